using System.Text.Json.Serialization;
using Streaming.Training.Numerics;

namespace Streaming.Training.DataLoading;

/// <summary>Where a packer is; stored with the weights.</summary>
internal sealed record PackerState
{
    /// <summary>State of its randomness.</summary>
    public required ulong Random { get; set; }

    /// <summary>Rests of texts that did not fit, for later sequences.</summary>
    [JsonPropertyName("Rests")]
    public List<Document> Remainders { get; init; } = [];

    /// <summary>The same, and no longer changed.</summary>
    public PackerState Copy() => new() { Random = Random, Remainders = [.. Remainders] };
}

/// <summary>
/// Packs texts into sequences of one length. Each begins with the start token, whatever follows (the place of the attention
/// sink), then come whole texts, and the last is cut where the sequence ends; what is left of a dialogue is taken up at the
/// turn of a person, so that it is always clear who speaks.
/// </summary>
internal sealed class SequencePacker(Mixture mixture, int bos, PackerState state)
{
    private const int MaxRemainders = 256;
    private const double RemaindersFirst = 0.6; // the share of sequences that begin in the middle of a text, as long as there are rests

    /// <summary>Where it is now.</summary>
    public PackerState State => state;

    /// <summary>Fills a batch.</summary>
    /// <param name="ids">Tokens, rows of <paramref name="length"/>.</param>
    /// <param name="targets">The token that follows each.</param>
    /// <param name="lossMask">Whether that is learnt.</param>
    /// <param name="length">Tokens of a sequence.</param>
    public void Fill(Span<long> ids, Span<long> targets, Span<bool> lossMask, int length)
    {
        var random = new SeededRandom(state.Random);
        for (int row = 0; row < ids.Length; row += length)
            FillRow(ids.Slice(row, length), targets.Slice(row, length), lossMask.Slice(row, length), random);
        state.Random = random.State;
    }

    private void FillRow(Span<long> ids, Span<long> targets, Span<bool> lossMask, SeededRandom random)
    {
        int length = ids.Length,
            at = 1; // the next token's place; the one after the last place is a target only
        ids[0] = bos;
        bool fromRemainders = state.Remainders.Count > 0 && random.Chance(RemaindersFirst);
        while (at <= length)
        {
            Document document = fromRemainders ? TakeRemainder(random) : mixture.Next();
            fromRemainders = false;
            int taken = Math.Min(document.Ids.Length, length + 1 - at);
            for (int i = 0; i < taken; i++, at++)
            {
                if (at < length)
                    ids[at] = document.Ids[i];
                targets[at - 1] = document.Ids[i];
                lossMask[at - 1] = document.LossMask[i];
            }
            if (taken < document.Ids.Length && document.Remainder(taken, length / 2) is Document rest)
                Keep(rest, random);
        }
    }

    private Document TakeRemainder(SeededRandom random)
    {
        int which = random.Next(state.Remainders.Count);
        Document rest = state.Remainders[which];
        state.Remainders.RemoveAt(which);
        return rest;
    }

    private void Keep(Document rest, SeededRandom random)
    {
        if (state.Remainders.Count >= MaxRemainders)
            state.Remainders.RemoveAt(random.Next(state.Remainders.Count));
        state.Remainders.Add(rest);
    }
}
