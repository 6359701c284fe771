using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Kernels;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>A slot's tensors are a function of the fixed part and of the last L(W-1)+1 tokens.</summary>
public abstract class RebuildTests(KernelSet kernels)
{
    [Theory]
    [InlineData(0, 10, 1, 1), InlineData(4, 10, 1, 7), InlineData(4, 10, 64, 64), InlineData(17, 6, 5, 3)]
    public void A_rebuilt_slot_gives_the_same_next_logits(int @fixed, int window, int lived, int rebuilt)
    {
        var layout = new CacheLayout(@fixed, window);
        int[] ids = Logits.RandomIds(30 * window, TestShapes.Small.VocabularySize, seed: 5);
        using Decoder decoder = Load(TestShapes.Small, layout, gain: 1.5);
        var alive = new TestStream(decoder, 0, layout);
        alive.Feed(ids.AsMemory(0, ids.Length - 1), lived);

        float[] next = alive.Feed(ids.AsMemory(^1), 1)[0];

        (TestStream again, float[] nextAgain) = Rebuild(decoder, layout, ids, decoder.RebuildLength(window), rebuilt);

        Logits.AssertClose(next, nextAgain, $"{layout} rebuilt");
        // Later tokens also see rebuilt tensors only.
        int[] more = Logits.RandomIds(2 * window, TestShapes.Small.VocabularySize, seed: 6);
        foreach ((float[] expected, float[] actual) in alive.Feed(more, 1).Zip(again.Feed(more, 1)))
            Logits.AssertClose(expected, actual, $"{layout} rebuilt");
    }

    [Fact]
    public void One_token_fewer_than_the_rebuild_length_gives_other_logits()
    {
        var layout = new CacheLayout(1, 2);
        int[] ids = Logits.RandomIds(60, TestShapes.Small.VocabularySize, seed: 8);
        using Decoder decoder = Load(TestShapes.Small, layout, gain: 3);
        Assert.Equal(3, decoder.RebuildLength(2));
        var alive = new TestStream(decoder, 0, layout);
        float[] expected = alive.Feed(ids, 1)[^1];

        (_, float[] enough) = Rebuild(decoder, layout, ids, tail: 3, chunk: 1);
        (_, float[] tooFew) = Rebuild(decoder, layout, ids, tail: 2, chunk: 1);

        Logits.AssertClose(expected, enough, "three tokens");
        Assert.True(Logits.Distance(tooFew, expected) > 100 * Logits.Tolerance, "Two tokens were enough.");
    }

    [Fact]
    public void A_cleared_slot_keeps_nothing_of_the_earlier_conversation()
    {
        var layout = new CacheLayout(4, 10);
        int[] ids = Logits.RandomIds(40, TestShapes.Small.VocabularySize, seed: 9);
        using Decoder decoder = Load(TestShapes.Small, layout, gain: 1.5);
        List<float[]> expected = new TestStream(decoder, 1, layout).Feed(ids, 3);
        new TestStream(decoder, 0, layout).Feed(Logits.RandomIds(50, TestShapes.Small.VocabularySize, seed: 10), 7);

        decoder.Clear(0);
        List<float[]> actual = new TestStream(decoder, 0, layout).Feed(ids, 3);

        foreach ((float[] a, float[] b) in expected.Zip(actual))
            Assert.Equal(a, b);
    }

    /// <summary>Rebuilds slot 1 from the fixed part and the last tokens of a stream; returns the last logits.</summary>
    private static (TestStream Stream, float[] Next) Rebuild(Decoder decoder, CacheLayout layout, int[] ids, int tail, int chunk)
    {
        decoder.Clear(1);
        var stream = new TestStream(decoder, 1, layout);
        stream.Feed(ids.AsMemory(0, layout.Fixed), chunk);
        stream.JumpTo(ids.Length - tail);
        return (stream, stream.Feed(ids.AsMemory(ids.Length - tail), chunk)[^1]);
    }

    private Decoder Load(ModelConfig shape, CacheLayout layout, double gain) =>
        Decoder.Load(
            shape,
            new RandomWeights(seed: 13, gain),
            new DecoderOptions
            {
                DType = DType.Float32,
                Slots = 2,
                Capacity = layout.Places,
                Kernels = TestKernels.Required(kernels),
            }
        );
}
