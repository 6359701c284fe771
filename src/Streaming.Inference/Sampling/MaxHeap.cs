namespace Streaming.Inference.Sampling;

/// <summary>A token that may be drawn.</summary>
/// <param name="Weight">Proportional to its probability.</param>
/// <param name="Id">The token.</param>
internal readonly record struct TokenCandidate(double Weight, int Id)
{
    /// <summary>Whether this one is more likely, or equally likely with a lower id.</summary>
    public bool ComesBefore(TokenCandidate other) => Weight > other.Weight || (Weight == other.Weight && Id < other.Id);
}

/// <summary>A binary heap over a span, the most likely candidate first: built in linear time, popped in logarithmic.</summary>
internal static class MaxHeap
{
    public static void Build(Span<TokenCandidate> heap)
    {
        for (int parent = heap.Length / 2 - 1; parent >= 0; parent--)
            Sink(heap, parent);
    }

    /// <summary>Removes the first candidate; the span becomes shorter by one.</summary>
    public static TokenCandidate Pop(ref Span<TokenCandidate> heap)
    {
        TokenCandidate first = heap[0];
        heap[0] = heap[^1];
        heap = heap[..^1];
        Sink(heap, 0);
        return first;
    }

    private static void Sink(Span<TokenCandidate> heap, int parent)
    {
        for (int child = 2 * parent + 1; child < heap.Length; child = 2 * parent + 1)
        {
            if (child + 1 < heap.Length && heap[child + 1].ComesBefore(heap[child]))
                child++;
            if (!heap[child].ComesBefore(heap[parent]))
                return;
            (heap[parent], heap[child]) = (heap[child], heap[parent]);
            parent = child;
        }
    }
}
