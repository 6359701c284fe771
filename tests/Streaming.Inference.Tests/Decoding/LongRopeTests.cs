using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>LongRoPE's factors follow a conversation's own places, never the capacity of the device that it runs on.</summary>
public class LongRopeTests
{
    private static readonly ModelConfig s_phi = TestShapes.Small with
    {
        RopeScaling = new LongRope([1, 1.1, 1.3, 2], [1, 2.5, 6, 20], OriginalContext: 64, Attention: 1.19),
    };

    private static readonly int[] s_ids = Logits.RandomIds(200, TestShapes.Small.VocabularySize, seed: 40);

    [Theory]
    [InlineData(DType.Float32, KernelSet.Auto), InlineData(DType.Int8, KernelSet.Auto), InlineData(DType.Float32, KernelSet.Libtorch)]
    public void A_conversation_gets_the_same_bits_on_devices_of_any_capacity(DType type, KernelSet kernels)
    {
        List<float[]> small = LogitsOf(type, kernels, new CacheLayout(4, 56), capacity: 60),
            large = LogitsOf(type, kernels, new CacheLayout(4, 56), capacity: 512);

        Assert.Equal(small, large);
    }

    [Theory]
    [InlineData(4, 60, false), InlineData(5, 60, true), InlineData(60, 4, false), InlineData(61, 4, true)]
    public void Fixed_part_and_window_together_select_the_factors(int @fixed, int window, bool isLong)
    {
        var scaling = (LongRope)s_phi.RopeScaling!;
        IReadOnlyList<double> factors = isLong ? scaling.Long : scaling.Short;
        List<float[]> expected = LogitsOf(
            DType.Float32,
            KernelSet.Auto,
            new CacheLayout(@fixed, window),
            100,
            s_phi with
            {
                RopeScaling = scaling with { Short = factors, Long = factors },
            }
        );

        Assert.Equal(expected, LogitsOf(DType.Float32, KernelSet.Auto, new CacheLayout(@fixed, window), capacity: 100));
    }

    [Theory]
    [InlineData(KernelSet.Auto), InlineData(KernelSet.Libtorch)]
    public void Conversations_of_different_places_share_a_batch(KernelSet kernels)
    {
        CacheLayout[] layouts = [new(4, 56), new(4, 100), new(0, 30)];
        using Decoder decoder = Load(DType.Float32, kernels, capacity: 120, s_phi, slots: 3);
        TestStream[] streams = [.. layouts.Select((layout, slot) => new TestStream(decoder, slot, layout))];
        var together = new List<List<float[]>>();
        for (int at = 0; at < s_ids.Length; at += 20)
            together.Add(TestStream.Rows(decoder, [.. streams.Select(stream => stream.Next(s_ids.AsMemory(at, 20)))]));

        for (int c = 0; c < layouts.Length; c++)
        {
            List<float[]> alone = LogitsOf(DType.Float32, kernels, layouts[c], capacity: 104);
            for (int t = 0; t < s_ids.Length; t++)
                Logits.AssertClose(alone[t], together[t / 20][20 * c + t % 20], $"{layouts[c]}, token {t}");
        }
    }

    private static List<float[]> LogitsOf(DType type, KernelSet kernels, CacheLayout layout, int capacity, ModelConfig? config = null)
    {
        using Decoder decoder = Load(type, kernels, capacity, config ?? s_phi, slots: 1);
        return new TestStream(decoder, 0, layout).Feed(s_ids, 20);
    }

    private static Decoder Load(DType type, KernelSet kernels, int capacity, ModelConfig config, int slots) =>
        Decoder.Load(
            config,
            new RandomWeights(seed: 41, gain: 1.5),
            new DecoderOptions
            {
                DType = type,
                Kernels = kernels,
                Capacity = capacity,
                Slots = slots,
            }
        );
}
