using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>Imitates casual typing in user messages.</summary>
internal static class CasualTyping
{
    /// <summary>The text, sometimes in lower case, without its final punctuation mark or without apostrophes.</summary>
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
