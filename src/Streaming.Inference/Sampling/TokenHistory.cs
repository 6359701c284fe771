namespace Streaming.Inference.Sampling;

/// <summary>
/// The tokens in a cache in the order of their stream. Once tokens were evicted these are two runs, the fixed part and the window, and
/// no sequence of tokens reaches from one into the other. An instance is reused, so that a token costs no allocation.
/// </summary>
internal sealed class TokenHistory
{
    private int[] _ids = [];
    private int _length;
    private int _run; // where the last run begins

    /// <summary>Copies the ids out of the ring of places.</summary>
    public void Read(SampledStream stream)
    {
        (int fixedPlaces, int window) = stream.Layout;
        if (_ids.Length < stream.CachedIds.Length)
            _ids = new int[stream.CachedIds.Length];
        _length = (int)Math.Min(fixedPlaces, stream.Position);
        stream.CachedIds[.._length].CopyTo(_ids);
        _run = stream.Layout.Forgotten(stream.Position) > 0 ? _length : 0;
        if (stream.Position <= fixedPlaces)
            return;
        ReadOnlySpan<int> ring = stream.CachedIds[fixedPlaces..];
        long inWindow = stream.Position - fixedPlaces;
        int oldest = inWindow > window ? (int)(inWindow % window) : 0,
            count = (int)Math.Min(inWindow, window);
        Append(ring[oldest..count]);
        Append(ring[..oldest]);
    }

    /// <summary>Whether the stream ends with these tokens.</summary>
    public bool EndsWith(ReadOnlySpan<int> ids) => _ids.AsSpan(_run.._length).EndsWith(ids);

    /// <summary>Collects the tokens that followed earlier occurrences of the stream's last tokens.</summary>
    /// <param name="last">How many last tokens; 0 collects all tokens.</param>
    /// <param name="followers">Receives the tokens.</param>
    public void CollectFollowers(int last, HashSet<int> followers)
    {
        followers.Clear();
        if (_length - _run < last)
            return; // too few tokens, or their beginning was evicted
        ReadOnlySpan<int> end = _ids.AsSpan(_length - last, last);
        Collect(_ids.AsSpan(0, _run), end, followers);
        Collect(_ids.AsSpan(_run.._length), end, followers);
    }

    private static void Collect(ReadOnlySpan<int> run, ReadOnlySpan<int> end, HashSet<int> followers)
    {
        for (int follower = end.Length; follower < run.Length; follower++)
        {
            if (end.Length > 0)
            {
                int found = run[(follower - 1)..^1].IndexOf(end[^1]); // a vectorised search for the next candidate
                if (found < 0)
                    return;
                follower += found;
            }
            if (run[follower] >= 0 && run[(follower - end.Length)..follower].SequenceEqual(end))
                followers.Add(run[follower]);
        }
    }

    private void Append(ReadOnlySpan<int> ids)
    {
        ids.CopyTo(_ids.AsSpan(_length));
        _length += ids.Length;
    }
}
