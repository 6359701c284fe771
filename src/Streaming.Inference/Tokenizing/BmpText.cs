using System.Globalization;
using System.Text;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// A copy of a text in which each character outside the basic multilingual plane (BMP) is replaced by one UTF-16 unit of the same
/// category. .NET's regular expressions work on UTF-16, where such a character is two surrogates and never a letter.
/// </summary>
internal readonly struct BmpText
{
    private readonly int[]? _starts; // index in the text of each unit of the copy, then the text's length; null if identical

    private BmpText(string text, int[]? starts)
    {
        Text = text;
        _starts = starts;
    }

    /// <summary>The copy, or the text itself if nothing is replaced.</summary>
    public string Text { get; }

    /// <summary>Converts an index in the copy to an index in the text.</summary>
    public int InText(int place) => _starts is null ? place : _starts[place];

    /// <summary>Copies a text without unpaired surrogates.</summary>
    public static BmpText Of(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return new BmpText(text, null);
        var copy = new StringBuilder(text.Length);
        var starts = new List<int>(text.Length + 1);
        int place = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            starts.Add(place);
            copy.Append(rune.IsBmp ? (char)rune.Value : Like(Rune.GetUnicodeCategory(rune)));
            place += rune.Utf16SequenceLength;
        }
        starts.Add(place);
        return new BmpText(copy.ToString(), [.. starts]);
    }

    /// <summary>A character of the category that no tokenizer's pattern mentions explicitly.</summary>
    private static char Like(UnicodeCategory category) =>
        category switch
        {
            UnicodeCategory.UppercaseLetter => '\u0100',
            UnicodeCategory.LowercaseLetter => '\u0101',
            UnicodeCategory.TitlecaseLetter => '\u01C5',
            UnicodeCategory.ModifierLetter => '\u02B0',
            UnicodeCategory.OtherLetter => '\u05D0',
            UnicodeCategory.NonSpacingMark => '\u0300',
            UnicodeCategory.SpacingCombiningMark => '\u0903',
            UnicodeCategory.EnclosingMark => '\u0488',
            UnicodeCategory.DecimalDigitNumber => '\u0660',
            UnicodeCategory.LetterNumber => '\u16EE',
            UnicodeCategory.OtherNumber => '\u00B2',
            UnicodeCategory.ConnectorPunctuation => '\u203F',
            UnicodeCategory.DashPunctuation => '\u2010',
            UnicodeCategory.OpenPunctuation => '\u2045',
            UnicodeCategory.ClosePunctuation => '\u2046',
            UnicodeCategory.InitialQuotePunctuation => '\u00AB',
            UnicodeCategory.FinalQuotePunctuation => '\u00BB',
            UnicodeCategory.OtherPunctuation => '\u00A1',
            UnicodeCategory.MathSymbol => '\u00B1',
            UnicodeCategory.CurrencySymbol => '\u00A2',
            UnicodeCategory.ModifierSymbol => '\u00B8',
            UnicodeCategory.OtherSymbol => '\u00A9',
            UnicodeCategory.Format => '\u00AD',
            UnicodeCategory.PrivateUse => '\uE000',
            _ => '\u0378', // unassigned; all control characters, separators and surrogates are in the BMP
        };
}
