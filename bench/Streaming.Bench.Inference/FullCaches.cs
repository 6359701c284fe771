using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;

namespace Streaming.Bench;

/// <summary>Conversations whose caches are full, of random tokens: what a step costs does not depend on what was said.</summary>
internal static class FullCaches
{
    /// <summary>A position at which every cache counts as full.</summary>
    public static long Position(Decoder decoder) => 10L * decoder.Capacity;

    /// <summary>Gives every page of every slot memory of its own.</summary>
    public static void Touch(Decoder decoder)
    {
        for (int slot = 0; slot < decoder.Slots; slot++)
            decoder.Clear(slot);
    }

    /// <summary>The next tokens of the first slots, so many of each.</summary>
    public static Segment[] Segments(Decoder decoder, int count, int rowsEach, long position, Random random) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(slot => new Segment
                {
                    Slot = slot,
                    Layout = new CacheLayout(4, decoder.Capacity - 4),
                    Position = position,
                    Fed = position,
                    Ids = Enumerable.Range(0, rowsEach).Select(_ => random.Next(decoder.Config.VocabularySize)).ToArray(),
                    Logits = LogitRows.Last,
                }),
        ];
}
