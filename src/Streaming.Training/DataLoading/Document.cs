using System.Text.Json.Serialization;

namespace Streaming.Training.DataLoading;

/// <summary>One text as tokens, without the start token.</summary>
/// <param name="Ids">The tokens.</param>
/// <param name="LossMask">For each, whether it is learnt: what the assistant says, and all of a story.</param>
/// <param name="TurnStarts">Places where a later sequence may take it up: where a person's turn begins; ascending.</param>
/// <param name="Prompt">How many tokens at its beginning are the system's turn, which each of its parts begins with.</param>
internal sealed record Document(
    int[] Ids,
    [property: JsonPropertyName("Learn")] bool[] LossMask,
    [property: JsonPropertyName("Cuts")] int[] TurnStarts,
    int Prompt
)
{
    private const int ShortestRemainder = 16;

    /// <summary>What a later sequence has to take up when only the first tokens found room; null when that is next to nothing.</summary>
    /// <param name="taken">How many found room.</param>
    /// <param name="longestRepeat">Where the turn under way began longer ago than this, it is taken up in its middle, without its beginning.</param>
    public Document? Remainder(int taken, int longestRepeat)
    {
        if (taken <= Prompt)
            return Prompt <= longestRepeat ? this : null;
        int from = TurnStarts.LastOrDefault(start => start <= taken, -1);
        if (from < 0 || taken - from > longestRepeat)
            from = taken;
        if (Ids.Length - from < ShortestRemainder)
            return null;
        bool[] lossMask = [.. LossMask[..Prompt], .. LossMask[from..]];
        if (!TurnStarts.Contains(from))
            lossMask[Prompt] = false; // what comes first in the middle of a turn cannot be known
        return new Document(
            [.. Ids[..Prompt], .. Ids[from..]],
            lossMask,
            [.. TurnStarts.Where(start => start >= from).Select(start => start - from + Prompt)],
            Prompt
        );
    }
}
