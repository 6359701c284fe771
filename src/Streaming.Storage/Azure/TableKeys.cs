using System.Globalization;
using System.Text;

namespace Streaming.Storage.Azure;

/// <summary>
/// Keys of tables. ASCII letters, digits and <c>-._</c> are kept; other characters are escaped, since Azure refuses some. Escapes sort
/// after kept characters, and the separator before them, so that keys keep the order of ids.
/// </summary>
internal static class TableKeys
{
    /// <summary>Separates the parts of a key; no part contains it.</summary>
    public const char Separator = '!';

    /// <summary>Appended to a prefix, sorts after every key that continues the prefix with kept characters.</summary>
    public const char After = '~';

    private const int MaxLength = 400; // Azure takes 512 UTF-16 units; the rest is for prefixes and numbers.

    /// <summary>A text as part of a key.</summary>
    /// <exception cref="ArgumentException">The text is too long for a key.</exception>
    public static string Escape(string text)
    {
        var key = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_')
                key.Append(c);
            else
                key.Append(CultureInfo.InvariantCulture, $"~{(int)c:x4}");
        }

        return key.Length <= MaxLength
            ? key.ToString()
            : throw new ArgumentException(
                $"'{text[..16]}...' is too long for a name in the store: it takes {key.Length} characters, and at most {MaxLength} fit, "
                    + "where each one but letters, digits and -._ takes five."
            );
    }

    /// <summary>A number as part of a key; keys sort like numbers.</summary>
    public static string Number(long value) => value.ToString("D19", CultureInfo.InvariantCulture);

    /// <summary>A branch as part of a key; keys sort like branches.</summary>
    public static string Branch(int branch) => branch.ToString("D10", CultureInfo.InvariantCulture);

    /// <summary>A time as part of a key; keys sort from the latest time to the earliest.</summary>
    public static string LatestFirst(long ticks) => Number(DateTime.MaxValue.Ticks - Math.Min(ticks, DateTime.MaxValue.Ticks));
}
