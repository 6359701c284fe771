using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// Feeds sequences from an empty cache: the whole work of the policy <see cref="CachePolicy.Recompute"/> for one token, and the
/// way to fill a cache for the others.
/// </summary>
internal static class Recomputation
{
    /// <summary>Rows of a forward pass. More are no faster, and their scores (rows · heads · columns) take memory.</summary>
    private const int MostRows = 512;

    /// <summary>Feeds one sequence to each slot from 0 upwards, at the positions 0, 1, 2, ...</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="layout">How each slot is used.</param>
    /// <param name="sequences">Sequences of one length.</param>
    /// <param name="last">What the last token of each gives.</param>
    /// <returns>Logits of the last tokens, [sequences, vocabulary], for the caller to dispose; null where none are asked for.</returns>
    public static torch.Tensor? Feed(Decoder decoder, CacheLayout layout, IReadOnlyList<ReadOnlyMemory<int>> sequences, LogitRows last)
    {
        int length = sequences[0].Length;
        int chunk = Math.Max(1, MostRows / sequences.Count);
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
