using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Streaming.Inference.Tokenizing.Patterns;

/// <summary>
/// A compiled pattern. Characters that no set in it tells apart are one class; a text is matched as the sequence of its characters'
/// classes, one UTF-16 unit each, so that characters beyond the basic plane are like any other.
/// </summary>
internal sealed class CharacterPattern
{
    private const char FirstClass = '!';

    private readonly Regex _regex;
    private readonly char[] _classes = new char[char.MaxValue + 1]; // by character of the basic plane
    private readonly int[] _starts; // of stretches of one class, ascending
    private readonly char[] _classOfStretch;

    private CharacterPattern((string Regex, IReadOnlyList<CodePointSet> Leaves) translated)
    {
        IReadOnlyList<CodePointSet> leaves = translated.Leaves;
        _starts = [.. leaves.SelectMany(leaf => leaf.Borders).Append(0).Where(b => b < 0x110000).Distinct().Order()];
        _classOfStretch = new char[_starts.Length];
        var classes = new Dictionary<string, char>();
        SortedSet<char>[] members = leaves.Select(_ => new SortedSet<char>()).ToArray();
        for (int i = 0; i < _starts.Length; i++)
        {
            string signature = string.Concat(leaves.Select(leaf => leaf.Contains(_starts[i]) ? '1' : '0'));
            if (!classes.TryGetValue(signature, out char own))
                classes[signature] = own = (char)(FirstClass + classes.Count);
            _classOfStretch[i] = own;
            for (int leaf = 0; leaf < members.Length; leaf++)
            {
                if (signature[leaf] == '1')
                    members[leaf].Add(own);
            }
            int end = i + 1 < _starts.Length ? _starts[i + 1] : char.MaxValue + 1;
            if (_starts[i] <= char.MaxValue)
                _classes.AsSpan(_starts[i]..Math.Min(end, char.MaxValue + 1)).Fill(own);
        }
        var regex = new StringBuilder();
        foreach (char c in translated.Regex)
        {
            if (c < PatternTranslator.FirstLeaf)
                regex.Append(c);
            else
                AppendSet(regex, members[c - PatternTranslator.FirstLeaf]);
        }
        _regex = new Regex(regex.ToString(), RegexOptions.Compiled | RegexOptions.CultureInvariant);
    }

    /// <summary>Compiles a regular expression of Oniguruma.</summary>
    /// <exception cref="PatternException">It has a construct that is not supported.</exception>
    public static CharacterPattern Compile(string pattern) => new(PatternTranslator.Translate(pattern));

    /// <summary>A pattern that matches a text.</summary>
    public static CharacterPattern Text(string text) => new(PatternTranslator.TranslateText(text));

    /// <summary>A pattern that matches one character of a set.</summary>
    public static CharacterPattern OneOf(CodePointSet set) => new((PatternTranslator.FirstLeaf.ToString(), [set]));

    /// <summary>Appends the ranges of all matches, from left to right. An empty one right after a match is left out.</summary>
    public void Match(string text, List<(int Start, int End)> matches)
    {
        char[] classes = ArrayPool<char>.Shared.Rent(text.Length);
        try
        {
            int length = Classify(text, classes);
            bool oneUnitEach = length == text.Length;
            int place = 0, // in the classes
                index = 0, // in the text
                reached = -1;
            foreach (ValueMatch match in _regex.EnumerateMatches(classes.AsSpan(0, length)))
            {
                if (match.Length == 0 && match.Index == reached)
                    continue;
                int start = Index(match.Index);
                matches.Add((start, Index(reached = match.Index + match.Length)));
            }

            int Index(int wanted)
            {
                if (oneUnitEach)
                    return wanted;
                for (; place < wanted; place++)
                    index += char.IsHighSurrogate(text[index]) ? 2 : 1;
                return index;
            }
        }
        finally
        {
            ArrayPool<char>.Shared.Return(classes);
        }
    }

    private int Classify(string text, char[] classes)
    {
        int count = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsHighSurrogate(c))
                classes[count++] = ClassOf(char.ConvertToUtf32(c, text[++i]));
            else
                classes[count++] = _classes[c];
        }
        return count;
    }

    private char ClassOf(int codePoint)
    {
        int at = Array.BinarySearch(_starts, codePoint);
        return _classOfStretch[at >= 0 ? at : ~at - 1];
    }

    private static void AppendSet(StringBuilder regex, SortedSet<char> members)
    {
        if (members.Count == 0)
        {
            regex.Append("(?:(?!))");
            return;
        }
        regex.Append('[');
        foreach (char member in members)
            regex.Append(CultureInfo.InvariantCulture, $"\\u{(int)member:X4}");
        regex.Append(']');
    }
}
