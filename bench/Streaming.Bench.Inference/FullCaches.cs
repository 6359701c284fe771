using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;

namespace Streaming.Bench.Inference;

/// <summary>Conversations with full caches and random tokens: the cost of a step does not depend on the text.</summary>
internal static class FullCaches
{
    /// <summary>A position at which every cache counts as full.</summary>
    public static long Position(Decoder decoder) => 10L * decoder.Capacity;

    /// <summary>Writes to every slot, so that the system backs all its pages with memory.</summary>
    public static void Touch(Decoder decoder)
    {
        for (int slot = 0; slot < decoder.Slots; slot++)
            decoder.Clear(slot);
    }

    /// <summary>Segments with the next tokens of the first slots.</summary>
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
