using System.Globalization;
using System.Text;

namespace Streaming.Jinja.Values;

/// <summary>Case and classes of characters as Python's <c>str</c> has them: Unicode's full mappings, which may change the length.</summary>
internal static class PythonCase
{
    private const char FinalSigma = 'ς',
        Sigma = 'σ',
        CapitalSigma = 'Σ';

    /// <summary><c>str.upper</c>.</summary>
    public static string Upper(string text) => string.Concat(PythonText.CodePoints(text).Select(CaseTables.Upper));

    /// <summary><c>str.lower</c>.</summary>
    public static string Lower(string text)
    {
        var lower = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
            i += AppendLower(lower, text, i) - 1;
        return lower.ToString();
    }

    /// <summary><c>str.capitalize</c>.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        int first = char.IsSurrogatePair(text, 0) ? 2 : 1;
        var capitalized = new StringBuilder(CaseTables.Title(text[..first]));
        for (int i = first; i < text.Length; i++)
            i += AppendLower(capitalized, text, i) - 1;
        return capitalized.ToString();
    }

    /// <summary><c>str.title</c>.</summary>
    public static string Title(string text)
    {
        var titled = new StringBuilder(text.Length);
        bool isInWord = false;
        for (int i = 0; i < text.Length; )
        {
            int length = PointLength(text, i);
            if (isInWord)
                AppendLower(titled, text, i);
            else
                titled.Append(CaseTables.Title(text.Substring(i, length)));
            isInWord = IsCased(text, i);
            i += length;
        }
        return titled.ToString();
    }

    /// <summary><c>str.swapcase</c>.</summary>
    public static string Swap(string text)
    {
        var swapped = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; )
        {
            int length = PointLength(text, i);
            string point = text.Substring(i, length);
            if (IsUpperRune(point))
                AppendLower(swapped, text, i);
            else
                swapped.Append(IsLowerRune(point) ? CaseTables.Upper(point) : point);
            i += length;
        }
        return swapped.ToString();
    }

    /// <summary><c>str.islower</c>: at least one cased character, and none that is not lower.</summary>
    public static bool IsLower(string text) => HasOnly(text, IsLowerRune, p => IsUpperRune(p) || IsTitleRune(p));

    /// <summary><c>str.isupper</c>.</summary>
    public static bool IsUpper(string text) => HasOnly(text, IsUpperRune, p => IsLowerRune(p) || IsTitleRune(p));

    /// <summary><c>str.istitle</c>.</summary>
    public static bool IsTitle(string text)
    {
        bool isInWord = false,
            found = false;
        foreach (string point in PythonText.CodePoints(text))
        {
            if (IsUpperRune(point) || IsTitleRune(point))
            {
                if (isInWord)
                    return false;
                isInWord = found = true;
            }
            else if (IsLowerRune(point))
            {
                if (!isInWord)
                    return false;
            }
            else
                isInWord = false;
        }
        return found;
    }

    /// <summary>Unicode category L.</summary>
    public static bool IsLetter(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.UppercaseLetter
                or UnicodeCategory.LowercaseLetter
                or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter;

    /// <summary>Unicode's Numeric_Type Decimal or Digit.</summary>
    public static bool IsDigit(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber
        || (rune.IsBmp && CharUnicodeInfo.GetDigitValue((char)rune.Value) >= 0);

    /// <summary>Unicode has a numeric value for it.</summary>
    public static bool IsNumeric(Rune rune)
    {
        string text = rune.ToString();
        return CharUnicodeInfo.GetNumericValue(text, 0) != -1;
    }

    private static bool HasOnly(string text, Func<string, bool> wanted, Func<string, bool> refused)
    {
        bool found = false;
        foreach (string point in PythonText.CodePoints(text))
        {
            if (refused(point))
                return false;
            found |= wanted(point);
        }
        return found;
    }

    private static int AppendLower(StringBuilder target, string text, int at)
    {
        int length = PointLength(text, at);
        target.Append(
            text[at] == CapitalSigma
                ? (IsFinalSigma(text, at) ? FinalSigma : Sigma).ToString()
                : CaseTables.Lower(text.Substring(at, length))
        );
        return length;
    }

    /// <summary>
    /// Whether a capital sigma ends a word: a cased letter precedes it and none follows, case-ignorable characters left aside.
    /// </summary>
    private static bool IsFinalSigma(string text, int at)
    {
        int before = at - 1;
        while (before >= 0 && CaseTables.IsIgnorable(text[before]))
            before--;
        if (before < 0 || !IsCased(text, before))
            return false;
        int after = at + 1;
        while (after < text.Length && CaseTables.IsIgnorable(text[after]))
            after++;
        return after >= text.Length || !IsCased(text, after);
    }

    private static bool IsCased(string text, int at)
    {
        string point = text.Substring(at, PointLength(text, at));
        return IsUpperRune(point) || IsLowerRune(point) || IsTitleRune(point);
    }

    private static bool IsUpperRune(string point) =>
        CharUnicodeInfo.GetUnicodeCategory(point, 0) == UnicodeCategory.UppercaseLetter || CaseTables.IsOtherUppercase(point);

    private static bool IsLowerRune(string point) =>
        CharUnicodeInfo.GetUnicodeCategory(point, 0) == UnicodeCategory.LowercaseLetter || CaseTables.IsOtherLowercase(point);

    private static bool IsTitleRune(string point) => CharUnicodeInfo.GetUnicodeCategory(point, 0) == UnicodeCategory.TitlecaseLetter;

    private static int PointLength(string text, int at) => at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
}
