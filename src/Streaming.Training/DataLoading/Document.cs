using System.Text.Json.Serialization;

namespace Streaming.Training.DataLoading;

/// <summary>One text as tokens, without the start token. The JSON names are those of stored training states.</summary>
/// <param name="Ids">Token ids.</param>
/// <param name="LossMask">For each token, whether it counts in the loss: the assistant's words, and all of a story.</param>
/// <param name="TurnStarts">Indices where a user's turn begins, ascending; a later sequence may continue from there.</param>
/// <param name="Prompt">The length in tokens of the system turn with which the text begins; each remainder begins with it too.</param>
internal sealed record Document(
    int[] Ids,
    [property: JsonPropertyName("Learn")] bool[] LossMask,
    [property: JsonPropertyName("Cuts")] int[] TurnStarts,
    int Prompt
)
{
    private const int ShortestRemainder = 16;

    /// <summary>The remainder for a later sequence if only the first tokens fitted; null if it is too short to be worth keeping.</summary>
    /// <param name="taken">The number of tokens that fitted.</param>
    /// <param name="longestRepeat">
    /// The most tokens to repeat, so that the remainder starts at a turn. If the current turn began earlier, the remainder starts in
    /// the middle of it.
    /// </param>
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
            lossMask[Prompt] = false; // the first token in the middle of a turn cannot be predicted
        return new Document(
            [.. Ids[..Prompt], .. Ids[from..]],
            lossMask,
            [.. TurnStarts.Where(start => start >= from).Select(start => start - from + Prompt)],
            Prompt
        );
    }
}
