using System.Collections.Frozen;
using System.Globalization;

namespace Streaming.Jinja.Values;

/// <summary>
/// Unicode's case mappings (SpecialCasing.txt, UnicodeData.txt, version 14 as in Python 3.11). .NET maps one code point to one;
/// Python maps some to several, such as ß to SS.
/// </summary>
internal static class CaseTables
{
    /// <summary>Each entry: the code point, then its upper-case form.</summary>
    private static readonly FrozenDictionary<string, string> SpecialUpper = Parse(
        "\u00df\u0053\u0053 \u0149\u02bc\u004e \u01f0\u004a\u030c \u0390\u0399\u0308\u0301 \u03b0\u03a5\u0308\u0301 "
            + "\u0587\u0535\u0552 \u1e96\u0048\u0331 \u1e97\u0054\u0308 \u1e98\u0057\u030a \u1e99\u0059\u030a "
            + "\u1e9a\u0041\u02be \u1f50\u03a5\u0313 \u1f52\u03a5\u0313\u0300 \u1f54\u03a5\u0313\u0301 "
            + "\u1f56\u03a5\u0313\u0342 \u1f80\u1f08\u0399 \u1f81\u1f09\u0399 \u1f82\u1f0a\u0399 \u1f83\u1f0b\u0399 "
            + "\u1f84\u1f0c\u0399 \u1f85\u1f0d\u0399 \u1f86\u1f0e\u0399 \u1f87\u1f0f\u0399 \u1f88\u1f08\u0399 "
            + "\u1f89\u1f09\u0399 \u1f8a\u1f0a\u0399 \u1f8b\u1f0b\u0399 \u1f8c\u1f0c\u0399 \u1f8d\u1f0d\u0399 "
            + "\u1f8e\u1f0e\u0399 \u1f8f\u1f0f\u0399 \u1f90\u1f28\u0399 \u1f91\u1f29\u0399 \u1f92\u1f2a\u0399 "
            + "\u1f93\u1f2b\u0399 \u1f94\u1f2c\u0399 \u1f95\u1f2d\u0399 \u1f96\u1f2e\u0399 \u1f97\u1f2f\u0399 "
            + "\u1f98\u1f28\u0399 \u1f99\u1f29\u0399 \u1f9a\u1f2a\u0399 \u1f9b\u1f2b\u0399 \u1f9c\u1f2c\u0399 "
            + "\u1f9d\u1f2d\u0399 \u1f9e\u1f2e\u0399 \u1f9f\u1f2f\u0399 \u1fa0\u1f68\u0399 \u1fa1\u1f69\u0399 "
            + "\u1fa2\u1f6a\u0399 \u1fa3\u1f6b\u0399 \u1fa4\u1f6c\u0399 \u1fa5\u1f6d\u0399 \u1fa6\u1f6e\u0399 "
            + "\u1fa7\u1f6f\u0399 \u1fa8\u1f68\u0399 \u1fa9\u1f69\u0399 \u1faa\u1f6a\u0399 \u1fab\u1f6b\u0399 "
            + "\u1fac\u1f6c\u0399 \u1fad\u1f6d\u0399 \u1fae\u1f6e\u0399 \u1faf\u1f6f\u0399 \u1fb2\u1fba\u0399 "
            + "\u1fb3\u0391\u0399 \u1fb4\u0386\u0399 \u1fb6\u0391\u0342 \u1fb7\u0391\u0342\u0399 \u1fbc\u0391\u0399 "
            + "\u1fc2\u1fca\u0399 \u1fc3\u0397\u0399 \u1fc4\u0389\u0399 \u1fc6\u0397\u0342 \u1fc7\u0397\u0342\u0399 "
            + "\u1fcc\u0397\u0399 \u1fd2\u0399\u0308\u0300 \u1fd3\u0399\u0308\u0301 \u1fd6\u0399\u0342 "
            + "\u1fd7\u0399\u0308\u0342 \u1fe2\u03a5\u0308\u0300 \u1fe3\u03a5\u0308\u0301 \u1fe4\u03a1\u0313 "
            + "\u1fe6\u03a5\u0342 \u1fe7\u03a5\u0308\u0342 \u1ff2\u1ffa\u0399 \u1ff3\u03a9\u0399 \u1ff4\u038f\u0399 "
            + "\u1ff6\u03a9\u0342 \u1ff7\u03a9\u0342\u0399 \u1ffc\u03a9\u0399 \ufb00\u0046\u0046 \ufb01\u0046\u0049 "
            + "\ufb02\u0046\u004c \ufb03\u0046\u0046\u0049 \ufb04\u0046\u0046\u004c \ufb05\u0053\u0054 \ufb06\u0053\u0054 "
            + "\ufb13\u0544\u0546 \ufb14\u0544\u0535 \ufb15\u0544\u053b \ufb16\u054e\u0546 \ufb17\u0544\u053d"
    );

    /// <summary>Code points whose title-case form is not the upper-case one. Georgian letters stay themselves.</summary>
    private static readonly FrozenDictionary<string, string> SpecialTitle = Parse(
        "\u00df\u0053\u0073 \u01c4\u01c5 \u01c5\u01c5 \u01c6\u01c5 \u01c7\u01c8 \u01c8\u01c8 \u01c9\u01c8 \u01ca\u01cb "
            + "\u01cb\u01cb \u01cc\u01cb \u01f1\u01f2 \u01f2\u01f2 \u01f3\u01f2 \u0587\u0535\u0582 \u1f80\u1f88 \u1f81\u1f89 "
            + "\u1f82\u1f8a \u1f83\u1f8b \u1f84\u1f8c \u1f85\u1f8d \u1f86\u1f8e \u1f87\u1f8f \u1f88\u1f88 \u1f89\u1f89 "
            + "\u1f8a\u1f8a \u1f8b\u1f8b \u1f8c\u1f8c \u1f8d\u1f8d \u1f8e\u1f8e \u1f8f\u1f8f \u1f90\u1f98 \u1f91\u1f99 "
            + "\u1f92\u1f9a \u1f93\u1f9b \u1f94\u1f9c \u1f95\u1f9d \u1f96\u1f9e \u1f97\u1f9f \u1f98\u1f98 \u1f99\u1f99 "
            + "\u1f9a\u1f9a \u1f9b\u1f9b \u1f9c\u1f9c \u1f9d\u1f9d \u1f9e\u1f9e \u1f9f\u1f9f \u1fa0\u1fa8 \u1fa1\u1fa9 "
            + "\u1fa2\u1faa \u1fa3\u1fab \u1fa4\u1fac \u1fa5\u1fad \u1fa6\u1fae \u1fa7\u1faf \u1fa8\u1fa8 \u1fa9\u1fa9 "
            + "\u1faa\u1faa \u1fab\u1fab \u1fac\u1fac \u1fad\u1fad \u1fae\u1fae \u1faf\u1faf \u1fb2\u1fba\u0345 \u1fb3\u1fbc "
            + "\u1fb4\u0386\u0345 \u1fb7\u0391\u0342\u0345 \u1fbc\u1fbc \u1fc2\u1fca\u0345 \u1fc3\u1fcc \u1fc4\u0389\u0345 "
            + "\u1fc7\u0397\u0342\u0345 \u1fcc\u1fcc \u1ff2\u1ffa\u0345 \u1ff3\u1ffc \u1ff4\u038f\u0345 "
            + "\u1ff7\u03a9\u0342\u0345 \u1ffc\u1ffc \ufb00\u0046\u0066 \ufb01\u0046\u0069 \ufb02\u0046\u006c "
            + "\ufb03\u0046\u0066\u0069 \ufb04\u0046\u0066\u006c \ufb05\u0053\u0074 \ufb06\u0053\u0074 \ufb13\u0544\u0576 "
            + "\ufb14\u0544\u0565 \ufb15\u0544\u056b \ufb16\u054e\u0576 \ufb17\u0544\u056d"
    );

    /// <summary>The upper-case form of a code point.</summary>
    public static string Upper(string point) =>
        SpecialUpper.GetValueOrDefault(point) ?? (point == "\u0131" ? "I" : point.ToUpperInvariant());

    /// <summary>The title-case form of a code point.</summary>
    public static string Title(string point) =>
        SpecialTitle.GetValueOrDefault(point) ?? (point[0] is >= '\u10d0' and <= '\u10ff' ? point : Upper(point));

    /// <summary>The lower-case form of a code point.</summary>
    public static string Lower(string point) => point == "\u0130" ? "i\u0307" : point.ToLowerInvariant();

    /// <summary>Upper case by Other_Uppercase rather than by category.</summary>
    public static bool IsOtherUppercase(string point) =>
        CodeOf(point)
            is (>= 0x2160 and <= 0x216f)
                or (>= 0x24b6 and <= 0x24cf)
                or (>= 0x1f130 and <= 0x1f149)
                or (>= 0x1f150 and <= 0x1f169)
                or (>= 0x1f170 and <= 0x1f189);

    /// <summary>Lower case by Other_Lowercase rather than by category.</summary>
    public static bool IsOtherLowercase(string point) =>
        CodeOf(point)
            is 0xaa
                or 0xba
                or (>= 0x2b0 and <= 0x2b8)
                or 0x2c0
                or 0x2c1
                or (>= 0x2e0 and <= 0x2e4)
                or 0x345
                or 0x37a
                or (>= 0x1d2c and <= 0x1d6a)
                or 0x1d78
                or (>= 0x1d9b and <= 0x1dbf)
                or 0x2071
                or 0x207f
                or (>= 0x2090 and <= 0x209c)
                or (>= 0x2170 and <= 0x217f)
                or (>= 0x24d0 and <= 0x24e9)
                or 0x2c7c
                or 0x2c7d
                or 0xa69c
                or 0xa69d
                or 0xa770
                or 0xa7f8
                or 0xa7f9
                or (>= 0xab5c and <= 0xab5f)
                or 0x10780
                or (>= 0x10783 and <= 0x10785)
                or (>= 0x10787 and <= 0x107b0)
                or (>= 0x107b2 and <= 0x107ba);

    /// <summary>Unicode's Case_Ignorable, as far as a word's end needs it: marks, formats, modifiers and the signs inside words.</summary>
    public static bool IsIgnorable(char c) =>
        c
            is '\''
                or '.'
                or ':'
                or '^'
                or '`'
                or '\u00a8'
                or '\u00ad'
                or '\u00af'
                or '\u00b4'
                or '\u00b7'
                or '\u00b8'
                or '\u2018'
                or '\u2019'
                or '\u2024'
                or '\u2027'
        || CharUnicodeInfo.GetUnicodeCategory(c)
            is UnicodeCategory.NonSpacingMark
                or UnicodeCategory.EnclosingMark
                or UnicodeCategory.Format
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.ModifierSymbol;

    private static int CodeOf(string point) => point.Length == 2 ? char.ConvertToUtf32(point[0], point[1]) : point[0];

    private static FrozenDictionary<string, string> Parse(string entries) =>
        entries.Split(' ').ToFrozenDictionary(e => e[..1], e => e[1..], StringComparer.Ordinal);
}
