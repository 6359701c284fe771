using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Kernels;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>Compares the engine with the paper's formula, in float32, within 1e-4 at every position.</summary>
public abstract class SinkCacheOracleTests(KernelSet kernels)
{
    private const int Window = 20;
    private static readonly int[] Ids = Logits.RandomIds(20 * Window, TestShapes.Small.VocabularySize, seed: 1);
    private static readonly RandomWeights Weights = new(seed: 7, gain: 1.5);

    private static readonly int[] StarterIds = Logits.RandomIds(620, TestShapes.Starter.VocabularySize, seed: 3);
    private static readonly RandomWeights StarterWeights = new(seed: 11);
    private static readonly Lazy<double[][]> StarterLogits = new(() =>
        new PaperOracle(TestShapes.Starter, StarterWeights, 4, 508).FeedAll(StarterIds)
    );

    [Theory]
    [InlineData(0, 1), InlineData(0, 3), InlineData(0, 7), InlineData(0, 64)]
    [InlineData(1, 1), InlineData(1, 3), InlineData(1, 7), InlineData(1, 64)]
    [InlineData(4, 1), InlineData(4, 3), InlineData(4, 7), InlineData(4, 64)]
    public void Twenty_windows_give_the_oracles_logits_with_any_chunk_size(int sinks, int chunk)
    {
        double[][] expected = new PaperOracle(TestShapes.Small, Weights, sinks, Window).FeedAll(Ids);
        using Decoder decoder = Load(sinks + Window);

        List<float[]> actual = new TestStream(decoder, 0, new CacheLayout(sinks, Window)).Feed(Ids, chunk);

        Logits.AssertClose(expected, actual, $"{sinks}+{Window} in chunks of {chunk}");
    }

    [Theory]
    [InlineData(0, 1), InlineData(0, 7), InlineData(1, 3), InlineData(4, 1), InlineData(4, 7), InlineData(4, 64)]
    public void A_stream_at_position_ten_million_gives_the_oracles_logits(int sinks, int chunk)
    {
        double[][] expected = new PaperOracle(TestShapes.Small, Weights, sinks, Window).FeedAll(Ids);
        using Decoder decoder = Load(sinks + Window);
        var stream = new TestStream(decoder, 0, new CacheLayout(sinks, Window));

        List<float[]> actual = stream.Feed(Ids.AsMemory(0, sinks), chunk);
        stream.JumpTo(10_000_003);
        actual.AddRange(stream.Feed(Ids.AsMemory(sinks), chunk));

        Logits.AssertClose(expected, actual, $"{sinks}+{Window} at ten million in chunks of {chunk}");
    }

    [Theory]
    [InlineData(1), InlineData(3), InlineData(7), InlineData(64)]
    public void A_pinned_prompt_longer_than_the_window_is_never_evicted(int chunk)
    {
        const int prompt = 33,
            window = 9;
        double[][] expected = new PaperOracle(TestShapes.Small, Weights, prompt, window).FeedAll(Ids);
        using Decoder decoder = Load(prompt + window);

        List<float[]> actual = new TestStream(decoder, 0, new CacheLayout(prompt, window)).Feed(Ids, chunk);

        Logits.AssertClose(expected, actual, $"{prompt}+{window} in chunks of {chunk}");
    }

    [Fact]
    public void Single_tokens_and_chunks_can_be_mixed_in_any_order()
    {
        double[][] expected = new PaperOracle(TestShapes.Small, Weights, 4, Window).FeedAll(Ids);
        using Decoder decoder = Load(4 + Window);
        var stream = new TestStream(decoder, 0, new CacheLayout(4, Window));

        int[] chunks = [1, 5, 1, 1, 30, 1, 2, 1, 1, 19, 20, 1, 21, 1];
        var actual = new List<float[]>();
        for (int at = 0, i = 0; at < Ids.Length; i++)
        {
            int chunk = Math.Min(chunks[i % chunks.Length], Ids.Length - at);
            actual.AddRange(stream.Feed(Ids.AsMemory(at, chunk), chunk));
            at += chunk;
        }

        Logits.AssertClose(expected, actual, "chunks of many sizes");
    }

    [Fact]
    public void Five_conversations_at_different_positions_share_one_batch()
    {
        CacheLayout[] layouts = [new(4, Window), new(0, 12), new(1, Window), new(16, 5), new(4, Window)];
        int[] chunks = [1, 1, 7, 3, 64];
        int[] lengths = [150, 90, 200, 130, 260];
        double[][][] expected =
        [
            .. layouts.Select(
                (layout, s) => new PaperOracle(TestShapes.Small, Weights, layout.Fixed, layout.Window).FeedAll(Ids[s..(s + lengths[s])])
            ),
        ];
        using Decoder decoder = Load(4 + Window, slots: 5);
        TestStream[] streams = [.. layouts.Select((layout, s) => new TestStream(decoder, s, layout))];
        var actual = new List<float[]>[5];
        for (int s = 0; s < actual.Length; s++)
            actual[s] = [];

        // Conversations begin late, go on after others have ended, and feed one token or many.
        for (int step = 0; Enumerable.Range(0, 5).Any(s => actual[s].Count < lengths[s]); step++)
        {
            var segments = new List<Segment>();
            var owners = new List<int>();
            for (int s = 0; s < 5; s++)
            {
                int count = Math.Min(chunks[s], lengths[s] - actual[s].Count);
                if (count == 0 || step < 3 * s)
                    continue;
                segments.Add(streams[s].Next(Ids.AsMemory(s + actual[s].Count, count)));
                owners.AddRange(Enumerable.Repeat(s, count));
            }
            if (segments.Count == 0)
                continue;
            foreach ((float[] row, int owner) in TestStream.Rows(decoder, segments).Zip(owners))
                actual[owner].Add(row);
        }

        for (int s = 0; s < 5; s++)
            Logits.AssertClose(expected[s], actual[s], $"conversation {s}");
    }

    [Fact]
    public void Dense_attention_and_the_sink_cache_agree_only_until_the_cache_is_full()
    {
        const int sinks = 4;
        double[][] dense = new PaperOracle(TestShapes.Small, Weights, sinks: 0, window: int.MaxValue).FeedAll(Ids.Take(sinks + Window + 1));
        using Decoder decoder = Load(sinks + Window);

        List<float[]> actual = new TestStream(decoder, 0, new CacheLayout(sinks, Window)).Feed(Ids.AsMemory(0, sinks + Window + 1), 1);

        Logits.AssertClose(dense[..^1], actual[..^1], "dense");
        Assert.True(Logits.Distance(actual[^1], dense[^1]) > 100 * Logits.Tolerance, "Nothing was evicted.");
    }

    [Theory]
    [InlineData(1), InlineData(64)]
    public void The_starter_shape_with_4_plus_508_gives_the_oracles_logits_beyond_its_first_eviction(int chunk)
    {
        using var decoder = Decoder.Load(
            TestShapes.Starter,
            StarterWeights,
            new DecoderOptions
            {
                DType = DType.Float32,
                Capacity = 512,
                Kernels = TestKernels.Required(kernels),
            }
        );

        List<float[]> actual = new TestStream(decoder, 0, new CacheLayout(4, 508)).Feed(StarterIds, chunk);

        Logits.AssertClose(StarterLogits.Value, actual, $"4+508 in chunks of {chunk}");
    }

    private Decoder Load(int capacity, int slots = 1) =>
        Decoder.Load(
            TestShapes.Small,
            Weights,
            new DecoderOptions
            {
                DType = DType.Float32,
                Slots = slots,
                Capacity = capacity,
                Kernels = TestKernels.Required(kernels),
            }
        );
}
