using System.Runtime.InteropServices;
using Streaming.Inference.Tokenizing.Patterns;

namespace Streaming.Inference.Tokenizing;

/// <summary>Splits pieces at the matches of a pattern, with the behaviours of Hugging Face's <c>SplitDelimiterBehavior</c>.</summary>
internal sealed class PieceSplitter
{
    private readonly CharacterPattern _pattern;
    private readonly Behavior _behavior;
    private readonly bool _inverted;

    /// <param name="pattern">The pattern.</param>
    /// <param name="behavior">What becomes of its matches.</param>
    /// <param name="inverted">Whether matches and gaps change their parts.</param>
    public PieceSplitter(CharacterPattern pattern, Behavior behavior, bool inverted = false)
    {
        _pattern = pattern;
        _behavior = behavior;
        _inverted = inverted;
    }

    /// <summary>What becomes of matches.</summary>
    public enum Behavior
    {
        /// <summary>Each is a piece.</summary>
        Isolated,

        /// <summary>They are dropped.</summary>
        Removed,

        /// <summary>Adjacent ones are a piece.</summary>
        Contiguous,

        /// <summary>Each is the end of the piece before it, unless that is a match too.</summary>
        MergedWithPrevious,

        /// <summary>Each is the beginning of the piece after it, unless that is a match too.</summary>
        MergedWithNext,
    }

    /// <summary>Appends the pieces of a text; none is empty.</summary>
    public void Split(string text, List<string> pieces)
    {
        if (text.Length == 0)
            return;
        List<Part> parts = PartsOf(text);
        switch (_behavior)
        {
            case Behavior.Removed:
                parts.RemoveAll(part => part.IsMatch);
                break;
            case Behavior.Contiguous:
                Join(parts, static (left, right) => left == right);
                break;
            case Behavior.MergedWithPrevious:
                Join(parts, static (left, right) => right && !left);
                break;
            case Behavior.MergedWithNext:
                parts.Reverse();
                Join(parts, static (left, right) => right && !left);
                parts.Reverse();
                break;
        }
        foreach (Part part in parts)
        {
            if (part.End > part.Start)
                pieces.Add(part.End - part.Start == text.Length ? text : text[part.Start..part.End]);
        }
    }

    private readonly record struct Part(int Start, int End, bool IsMatch);

    private List<Part> PartsOf(string text)
    {
        var matches = new List<(int Start, int End)>();
        _pattern.Match(text, matches);
        var parts = new List<Part>(2 * matches.Count + 1);
        int reached = 0;
        foreach ((int start, int end) in CollectionsMarshal.AsSpan(matches))
        {
            if (start > reached)
                parts.Add(new Part(reached, start, _inverted));
            parts.Add(new Part(start, end, !_inverted));
            reached = end;
        }
        if (reached < text.Length)
            parts.Add(new Part(reached, text.Length, _inverted));
        return parts;
    }

    /// <summary>Joins each part to the one before it where a rule on whether the two are matches says so.</summary>
    private static void Join(List<Part> parts, Func<bool, bool, bool> joins)
    {
        int count = 0;
        bool previous = false;
        for (int i = 0; i < parts.Count; i++)
        {
            Part part = parts[i];
            if (count > 0 && joins(previous, part.IsMatch))
            {
                Part last = parts[count - 1];
                parts[count - 1] = last with { Start = Math.Min(last.Start, part.Start), End = Math.Max(last.End, part.End) };
            }
            else
            {
                parts[count++] = part;
            }
            previous = part.IsMatch;
        }
        parts.RemoveRange(count, parts.Count - count);
    }
}
