using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// Feeds sequences to an empty cache. <see cref="CachePolicy.Recompute"/> does this for every token; other policies fill their cache
/// this way.
/// </summary>
internal static class Recomputation
{
    /// <summary>Rows of a forward pass. More are no faster and need memory for their scores (rows · heads · columns).</summary>
    private const int MaxRows = 512;

    /// <summary>Feeds one sequence to each slot from 0 upwards, at the positions 0, 1, 2, ...</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="layout">How each slot is used.</param>
    /// <param name="sequences">Sequences of one length.</param>
    /// <param name="last">Logits of the last chunk.</param>
    /// <returns>Logits of the requested rows, [rows, vocabulary], which the caller disposes; null if none are requested.</returns>
    public static torch.Tensor? Feed(Decoder decoder, CacheLayout layout, IReadOnlyList<ReadOnlyMemory<int>> sequences, LogitRows last)
    {
        int length = sequences[0].Length;
        int chunk = Math.Max(1, MaxRows / sequences.Count);
        for (int at = 0; ; at += chunk)
        {
            bool ends = at + chunk >= length;
            Segment[] segments =
            [
                .. sequences.Select(
                    (ids, slot) =>
                        new Segment
                        {
                            Slot = slot,
                            Layout = layout,
                            Position = at,
                            Fed = at,
                            Ids = ids.Slice(at, Math.Min(chunk, length - at)),
                            Logits = ends ? last : LogitRows.None,
                        }
                ),
            ];
            torch.Tensor? logits = decoder.Forward(segments);
            if (ends)
                return logits;
        }
    }
}
