using System.Globalization;

namespace Streaming.Inference.Tokenizing.Patterns;

/// <summary>
/// The named sets of characters that tokenizers use: those of Oniguruma (Unicode 16), of Rust's standard library, and of two of its
/// crates. General categories are .NET's, which are of the same version of Unicode; the rest is read from <c>characters.txt</c>.
/// </summary>
internal static class CharacterSets
{
    private static readonly Lazy<Dictionary<UnicodeCategory, CodePointSet>> Categories = new(() =>
        CodePointSet.Partition(CharUnicodeInfo.GetUnicodeCategory)
    );
    private static readonly Lazy<Dictionary<string, CodePointSet>> Others = new(ReadOthers);
    private static readonly Dictionary<string, UnicodeCategory[]> CategoriesByName = NameCategories();

    private static readonly Lazy<CodePointSet> LazyLetters = new(() =>
        Category("l")
            .Union(Category("m"))
            .Union(Category("nd"))
            .Union(Category("nl"))
            .Union(Category("pc"))
            .Union(Others.Value["other-alphabetic"])
    );

    private static readonly Lazy<CodePointSet> LazyOnigurumaWord = new(() => LazyLetters.Value.Union(CodePointSet.Of("²³¹¼½¾")));
    private static readonly Lazy<CodePointSet> LazyRustWord = new(() => LazyLetters.Value.Union(CodePointSet.Range(0x200C, 0x200D)));

    /// <summary>The line feed, the only line end of Oniguruma.</summary>
    public static readonly CodePointSet LineFeed = CodePointSet.Of('\n');

    /// <summary>Unicode's White_Space: Oniguruma's <c>\s</c>, and white space of Rust.</summary>
    public static readonly CodePointSet WhiteSpace = CodePointSet.Partition(c => c <= char.MaxValue && char.IsWhiteSpace((char)c))[true];

    /// <summary>Hexadecimal digits: Oniguruma's <c>\h</c>.</summary>
    public static readonly CodePointSet HexDigits = CodePointSet.Of("0123456789ABCDEFabcdef");

    /// <summary>ASCII.</summary>
    public static readonly CodePointSet Ascii = CodePointSet.Range(0, 0x7F);

    /// <summary>Oniguruma's <c>\w</c>, which has the fractions and superscripts of Latin-1 too.</summary>
    public static CodePointSet OnigurumaWord => LazyOnigurumaWord.Value;

    /// <summary>The <c>\w</c> of Rust's regular expressions, which has the two joiners too.</summary>
    public static CodePointSet RustWord => LazyRustWord.Value;

    /// <summary>Characters with a numeric value: <c>\p{N}</c>, and Rust's <c>is_numeric</c>.</summary>
    public static CodePointSet Numeric => Category("n");

    /// <summary>Punctuation of Hugging Face's pre-tokenizer of that name: ASCII's, and Unicode 8's.</summary>
    public static CodePointSet RustPunctuation =>
        Category("p").Except(Others.Value["later-punctuation"]).Union(CodePointSet.Of("$+<=>^`|~\u166D")).Union(CodePointSet.Of(0x111C9));

    /// <summary>Decimal digits: <c>\d</c>.</summary>
    public static CodePointSet Digits => Category("nd");

    /// <summary>A property of Oniguruma's <c>\p{…}</c>: a category, a script or one of a few others; null if unknown.</summary>
    public static CodePointSet? Property(string name)
    {
        string key = name.ToLowerInvariant()
            .Replace("_", "", StringComparison.Ordinal)
            .Replace("-", "", StringComparison.Ordinal)
            .Replace(" ", "", StringComparison.Ordinal);
        if (CategoriesByName.ContainsKey(key))
            return key == "punct" ? Category("p") : Category(key);
        return key switch
        {
            "any" => CodePointSet.All,
            "assigned" => Category("cn").Complement(),
            "alphabetic" => Posix("alpha"),
            "uppercase" => Posix("upper"),
            "lowercase" => Posix("lower"),
            "whitespace" => WhiteSpace,
            _ when !key.Contains("other", StringComparison.Ordinal) && Others.Value.TryGetValue(key, out CodePointSet? script) => script,
            "word" => OnigurumaWord,
            _ => Posix(key),
        };
    }

    /// <summary>A class of Oniguruma's <c>[[:…:]]</c>; null for one that is unknown.</summary>
    public static CodePointSet? Posix(string name) =>
        name switch
        {
            "alpha" => Category("l").Union(Category("nl")).Union(Others.Value["other-alphabetic"]),
            "upper" => Category("lu").Union(Others.Value["other-uppercase"]),
            "lower" => Category("ll").Union(Others.Value["other-lowercase"]),
            "digit" => Digits,
            "alnum" => Posix("alpha")!.Union(Digits),
            "punct" => Category("p").Union(Category("s")),
            "space" => WhiteSpace,
            "blank" => Category("zs").Union(CodePointSet.Of('\t')),
            "cntrl" => Category("cc"),
            "graph" => Category("z").Union(Category("cc")).Union(Category("cn")).Union(Category("cs")).Complement(),
            "print" => Posix("graph")!.Union(Category("zs")),
            "xdigit" => HexDigits,
            "word" => LazyLetters.Value,
            "ascii" => Ascii,
            _ => null,
        };

    private static CodePointSet Category(string name) =>
        CategoriesByName[name].Aggregate(CodePointSet.Empty, (set, category) => set.Union(Categories.Value[category]));

    private static Dictionary<string, CodePointSet> ReadOthers()
    {
        using Stream resource =
            typeof(CharacterSets).Assembly.GetManifestResourceStream("characters.txt")
            ?? throw new InvalidOperationException("The build did not embed characters.txt.");
        using var reader = new StreamReader(resource);
        var sets = new Dictionary<string, CodePointSet>();
        while (reader.ReadLine() is string line)
        {
            if (line.StartsWith('#'))
                continue;
            string[] words = line.Split(' ');
            CodePointSet set = sets.GetValueOrDefault(words[0], CodePointSet.Empty);
            foreach (string range in words.Skip(1))
            {
                int[] ends = [.. range.Split('-').Select(e => int.Parse(e, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
                set = set.Union(CodePointSet.Range(ends[0], ends[^1]));
            }
            sets[words[0]] = set;
        }
        return sets;
    }

    private static Dictionary<string, UnicodeCategory[]> NameCategories()
    {
        (string Short, string Long, UnicodeCategory Category)[] named =
        [
            ("lu", "uppercaseletter", UnicodeCategory.UppercaseLetter),
            ("ll", "lowercaseletter", UnicodeCategory.LowercaseLetter),
            ("lt", "titlecaseletter", UnicodeCategory.TitlecaseLetter),
            ("lm", "modifierletter", UnicodeCategory.ModifierLetter),
            ("lo", "otherletter", UnicodeCategory.OtherLetter),
            ("mn", "nonspacingmark", UnicodeCategory.NonSpacingMark),
            ("mc", "spacingmark", UnicodeCategory.SpacingCombiningMark),
            ("me", "enclosingmark", UnicodeCategory.EnclosingMark),
            ("nd", "decimalnumber", UnicodeCategory.DecimalDigitNumber),
            ("nl", "letternumber", UnicodeCategory.LetterNumber),
            ("no", "othernumber", UnicodeCategory.OtherNumber),
            ("pc", "connectorpunctuation", UnicodeCategory.ConnectorPunctuation),
            ("pd", "dashpunctuation", UnicodeCategory.DashPunctuation),
            ("ps", "openpunctuation", UnicodeCategory.OpenPunctuation),
            ("pe", "closepunctuation", UnicodeCategory.ClosePunctuation),
            ("pi", "initialpunctuation", UnicodeCategory.InitialQuotePunctuation),
            ("pf", "finalpunctuation", UnicodeCategory.FinalQuotePunctuation),
            ("po", "otherpunctuation", UnicodeCategory.OtherPunctuation),
            ("sm", "mathsymbol", UnicodeCategory.MathSymbol),
            ("sc", "currencysymbol", UnicodeCategory.CurrencySymbol),
            ("sk", "modifiersymbol", UnicodeCategory.ModifierSymbol),
            ("so", "othersymbol", UnicodeCategory.OtherSymbol),
            ("zs", "spaceseparator", UnicodeCategory.SpaceSeparator),
            ("zl", "lineseparator", UnicodeCategory.LineSeparator),
            ("zp", "paragraphseparator", UnicodeCategory.ParagraphSeparator),
            ("cc", "control", UnicodeCategory.Control),
            ("cf", "format", UnicodeCategory.Format),
            ("cs", "surrogate", UnicodeCategory.Surrogate),
            ("co", "privateuse", UnicodeCategory.PrivateUse),
            ("cn", "unassigned", UnicodeCategory.OtherNotAssigned),
        ];
        var names = named
            .SelectMany(n => new[] { (n.Short, n.Category), (n.Long, n.Category) })
            .ToDictionary(n => n.Item1, n => new[] { n.Category });
        foreach (
            (string initial, string word) in (ReadOnlySpan<(string, string)>)
                [("l", "letter"), ("m", "mark"), ("n", "number"), ("p", "punctuation"), ("s", "symbol"), ("z", "separator"), ("c", "other")]
        )
        {
            UnicodeCategory[] all = [.. named.Where(n => n.Short[0] == initial[0]).Select(n => n.Category)];
            names[initial] = names[word] = all;
        }
        names["lc"] = names["casedletter"] = [.. named.Take(3).Select(n => n.Category)];
        names["punct"] = names["p"];
        return names;
    }
}
