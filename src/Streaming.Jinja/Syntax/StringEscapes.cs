using System.Globalization;
using System.Text;

namespace Streaming.Jinja.Syntax;

/// <summary>Escapes of a string literal, as Python's <c>unicode-escape</c> codec decodes them.</summary>
internal static class StringEscapes
{
    /// <summary>The literal's value.</summary>
    /// <exception cref="JinjaException">An escape is cut short or names a character.</exception>
    public static string Decode(string literal)
    {
        if (!literal.Contains('\\', StringComparison.Ordinal))
            return literal;
        var text = new StringBuilder(literal.Length);
        for (int i = 0; i < literal.Length; i++)
        {
            if (literal[i] != '\\')
            {
                text.Append(literal[i]);
                continue;
            }
            char c = literal[++i]; // the lexer ends no literal after a backslash
            switch (c)
            {
                case '\n':
                    break;
                case '\\' or '\'' or '"':
                    text.Append(c);
                    break;
                case 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v':
                    text.Append("\a\b\f\n\r\t\v"["abfnrtv".IndexOf(c, StringComparison.Ordinal)]);
                    break;
                case >= '0' and <= '7':
                    int digits = 1;
                    while (digits < 3 && i + digits < literal.Length && literal[i + digits] is >= '0' and <= '7')
                        digits++;
                    text.Append((char)Convert.ToInt32(literal.Substring(i, digits), 8));
                    i += digits - 1;
                    break;
                case 'x' or 'u' or 'U':
                    int length = c switch
                    {
                        'x' => 2,
                        'u' => 4,
                        _ => 8,
                    };
                    Append(text, literal, i + 1, length);
                    i += length;
                    break;
                case 'N':
                    throw new JinjaException("an escape '\\N' in a string is not supported: write the character itself");
                default:
                    text.Append('\\').Append(c); // Python keeps what it does not know
                    break;
            }
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, string literal, int start, int length)
    {
        if (
            start + length > literal.Length
            || !int.TryParse(literal.AsSpan(start, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            || code is < 0 or > 0x10FFFF
        )
        {
            throw new JinjaException("an escape in a string has too few digits or no such character");
        }
        if (code < 0x10000)
            text.Append((char)code);
        else
            text.Append(char.ConvertFromUtf32(code));
    }
}
