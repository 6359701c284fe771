using System.Globalization;
using System.Text;

namespace Streaming.Storage.Azure;

/// <summary>
/// Keys of tables. Letters, digits and <c>-._</c> of ASCII stand for themselves; all else is escaped, since Azure refuses some
/// characters. Escapes sort after what stands for itself, and the separator before it, so that keys keep the order of ids.
/// </summary>
internal static class TableKeys
{
    /// <summary>Stands between the parts of a key, and in none of them.</summary>
    public const char Separator = '!';

    /// <summary>After every key that begins with the text before it.</summary>
    public const char After = '~';

    private const int MaxLength = 400; // Azure takes 512 UTF-16 units; the rest is for prefixes and numbers.

    /// <summary>A text as a part of a key.</summary>
    /// <exception cref="ArgumentException">It is too long for a key.</exception>
    public static string Escape(string text)
    {
        var key = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_')
                key.Append(c);
            else
                key.Append(CultureInfo.InvariantCulture, $"~{(int)c:x4}");
        }

        return key.Length <= MaxLength
            ? key.ToString()
            : throw new ArgumentException(
                $"'{text[..16]}...' is too long for a name in the store: it takes {key.Length} places and at most {MaxLength} are left, in which each character but letters, digits and -._ takes five."
            );
    }

    /// <summary>A number as a part of a key: in the order of numbers.</summary>
    public static string Number(long value) => value.ToString("D19", CultureInfo.InvariantCulture);

    /// <summary>A branch as a part of a key.</summary>
    public static string Branch(int branch) => branch.ToString("D10", CultureInfo.InvariantCulture);

    /// <summary>A time as a part of a key: in the reverse order of times.</summary>
    public static string LatestFirst(long ticks) => Number(DateTime.MaxValue.Ticks - Math.Min(ticks, DateTime.MaxValue.Ticks));
}
