using System.Text.Json.Serialization;
using Streaming.Training.Numerics;

namespace Streaming.Training.DataLoading;

/// <summary>The state of a packer, stored with the weights.</summary>
internal sealed record PackerState
{
    /// <summary>The state of its random sequence.</summary>
    public required ulong Random { get; set; }

    /// <summary>Remainders of texts that did not fit, for later sequences.</summary>
    [JsonPropertyName("Rests")]
    public List<Document> Remainders { get; init; } = [];

    /// <summary>A copy that later sequences do not change.</summary>
    public PackerState Copy() => new() { Random = Random, Remainders = [.. Remainders] };
}

/// <summary>
/// Packs texts into sequences of one length. Each sequence begins with the start token (the attention sink), followed by whole texts;
/// the last text is split where the sequence ends. The remainder of a dialogue starts at a user's turn, so that it is clear who speaks.
/// </summary>
internal sealed class SequencePacker(Mixture mixture, int bos, PackerState state)
{
    private const int MaxRemainders = 256;
    private const double RemaindersFirst = 0.6; // the share of sequences that begin with a remainder, as long as there are any

    /// <summary>The current state.</summary>
    public PackerState State => state;

    /// <summary>Fills a batch.</summary>
    /// <param name="ids">Receives token ids, in rows of <paramref name="length"/>.</param>
    /// <param name="targets">Receives the next token of each.</param>
    /// <param name="lossMask">Receives whether each target counts in the loss.</param>
    /// <param name="length">Tokens in a sequence.</param>
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
            at = 1; // the next token's index; the token after the last index is a target only
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
            if (taken < document.Ids.Length && document.Remainder(taken, length / 2) is Document remainder)
                Keep(remainder, random);
        }
    }

    private Document TakeRemainder(SeededRandom random)
    {
        int which = random.Next(state.Remainders.Count);
        Document remainder = state.Remainders[which];
        state.Remainders.RemoveAt(which);
        return remainder;
    }

    private void Keep(Document remainder, SeededRandom random)
    {
        if (state.Remainders.Count >= MaxRemainders)
            state.Remainders.RemoveAt(random.Next(state.Remainders.Count));
        state.Remainders.Add(remainder);
    }
}
