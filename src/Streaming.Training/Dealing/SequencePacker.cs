namespace Streaming.Training.Dealing;

/// <summary>Where a packer is; stored with the weights.</summary>
internal sealed record PackerState
{
    /// <summary>State of its randomness.</summary>
    public required ulong Random { get; set; }

    /// <summary>Rests of texts that did not fit, for later sequences.</summary>
    public List<Document> Rests { get; init; } = [];

    /// <summary>The same, and no longer changed.</summary>
    public PackerState Copy() => new() { Random = Random, Rests = [.. Rests] };
}

/// <summary>
/// Packs texts into sequences of one length. Each begins with the start token, whatever follows (the place of the attention
/// sink), then come whole texts, and the last is cut where the sequence ends; what is left of a dialogue is taken up at the
/// turn of a person, so that it is always clear who speaks.
/// </summary>
internal sealed class SequencePacker(Mixture mixture, int bos, PackerState state)
{
    private const int MostRests = 256;
    private const double RestsFirst = 0.6; // the share of sequences that begin in the middle of a text, as long as there are rests

    /// <summary>Where it is now.</summary>
    public PackerState State => state;

    /// <summary>Fills a batch.</summary>
    /// <param name="ids">Tokens, rows of <paramref name="length"/>.</param>
    /// <param name="targets">The token that follows each.</param>
    /// <param name="learn">Whether that is learnt.</param>
    /// <param name="length">Tokens of a sequence.</param>
    public void Fill(Span<long> ids, Span<long> targets, Span<bool> learn, int length)
    {
        var random = new SeededRandom(state.Random);
        for (int row = 0; row < ids.Length; row += length)
            FillRow(ids.Slice(row, length), targets.Slice(row, length), learn.Slice(row, length), random);
        state.Random = random.State;
    }

    private void FillRow(Span<long> ids, Span<long> targets, Span<bool> learn, SeededRandom random)
    {
        int length = ids.Length,
            at = 1; // the next token's place; the one after the last place is a target only
        ids[0] = bos;
        bool fromRests = state.Rests.Count > 0 && random.Chance(RestsFirst);
        while (at <= length)
        {
            Document document = fromRests ? TakeRest(random) : mixture.Next();
            fromRests = false;
            int taken = Math.Min(document.Ids.Length, length + 1 - at);
            for (int i = 0; i < taken; i++, at++)
            {
                if (at < length)
                    ids[at] = document.Ids[i];
                targets[at - 1] = document.Ids[i];
                learn[at - 1] = document.Learn[i];
            }
            if (taken < document.Ids.Length && document.Rest(taken, length / 2) is Document rest)
                Keep(rest, random);
        }
    }

    private Document TakeRest(SeededRandom random)
    {
        int which = random.Next(state.Rests.Count);
        Document rest = state.Rests[which];
        state.Rests.RemoveAt(which);
        return rest;
    }

    private void Keep(Document rest, SeededRandom random)
    {
        if (state.Rests.Count >= MostRests)
            state.Rests.RemoveAt(random.Next(state.Rests.Count));
        state.Rests.Add(rest);
    }
}
