using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>People do not always type what a book would print.</summary>
internal static class CasualTyping
{
    /// <summary>The text as somebody may type it: often as it is, sometimes without capitals or without its last sign.</summary>
    public static string Apply(string text, SeededRandom random)
    {
        if (random.Chance(0.12))
            text = text.ToLowerInvariant();
        if (random.Chance(0.12) && text.Length > 1 && text[^1] is '.' or '!' or '?')
            text = text[..^1];
        if (random.Chance(0.06))
            text = text.Replace("'", "", StringComparison.Ordinal);
        return English.Capital(text) == text || !random.Chance(0.5) ? text : English.Capital(text);
    }
}
