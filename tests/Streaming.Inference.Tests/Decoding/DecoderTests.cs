using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Kernels;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

public abstract class DecoderTests(KernelSet kernels)
{
    private static readonly CacheLayout Layout = new(4, 20);

    [Fact]
    public void Eight_conversations_in_one_batch_get_the_same_logits_as_alone()
    {
        int[][] ids = [.. Enumerable.Range(0, 8).Select(s => Logits.RandomIds(80, TestShapes.Small.VocabularySize, seed: 20 + s))];
        using Decoder alone = Load(DType.Float32);
        using Decoder together = Load(DType.Float32, slots: 8);
        TestStream[] streams = [.. Enumerable.Range(0, 8).Select(s => new TestStream(together, s, Layout))];
        var shared = new List<List<float[]>>();
        for (int step = 0; step < 80; step++)
            shared.Add(TestStream.Rows(together, [.. streams.Select((stream, s) => stream.Next(ids[s].AsMemory(step, 1)))]));

        for (int s = 0; s < 8; s++)
        {
            alone.Clear(0);
            List<float[]> expected = new TestStream(alone, 0, Layout).Feed(ids[s], 1);
            for (int step = 0; step < 80; step++)
                Logits.AssertClose(expected[step], shared[step][s], $"conversation {s}, step {step}");
        }
    }

    [Fact]
    public void Conversations_attend_to_their_own_slots_in_any_order_of_slots()
    {
        int[] slots = [5, 0, 2, 3, 4, 7];
        int[][] ids = [.. slots.Select(s => Logits.RandomIds(60, TestShapes.Small.VocabularySize, seed: 40 + s))];
        using Decoder alone = Load(DType.Float32);
        using Decoder together = Load(DType.Float32, slots: 8);
        TestStream[] streams = [.. slots.Select(s => new TestStream(together, s, Layout))];
        List<float[]> last = [];
        for (int step = 0; step < 60; step++)
            last = TestStream.Rows(together, [.. streams.Select((stream, i) => stream.Next(ids[i].AsMemory(step, 1)))]);

        for (int i = 0; i < slots.Length; i++)
        {
            alone.Clear(0);
            Logits.AssertClose(new TestStream(alone, 0, Layout).Feed(ids[i], 1)[^1], last[i], $"slot {slots[i]}");
        }
    }

    [Fact]
    public void Clearing_a_slot_zeroes_only_that_slot()
    {
        using var cache = new SinkCache(
            layers: 2,
            slots: 3,
            keyValueHeads: 2,
            capacity: 5,
            headDim: 4,
            torch.ScalarType.Float32,
            torch.CPU
        );
        using DisposeScope scope = torch.NewDisposeScope();
        using Scalar notANumber = float.NaN;
        foreach (int layer in (int[])[0, 1])
        {
            cache[layer].Keys(0, 3, 0, 5).fill_(notANumber);
            cache[layer].Values(0, 3, 0, 5).fill_(notANumber);
        }

        cache.Clear(1);

        foreach (int layer in (int[])[0, 1])
        {
            Assert.All(cache[layer].Keys(1, 1, 0, 5).contiguous().data<float>().ToArray(), value => Assert.Equal(0f, value));
            Assert.All(cache[layer].Values(1, 1, 0, 5).contiguous().data<float>().ToArray(), value => Assert.Equal(0f, value));
            Assert.Equal(2 * 2 * 5 * 4, cache[layer].Keys(0, 3, 0, 5).isnan().sum().item<long>());
            Assert.Equal(2 * 2 * 5 * 4, cache[layer].Values(0, 3, 0, 5).isnan().sum().item<long>());
        }
    }

    [Theory]
    [InlineData(DType.BFloat16), InlineData(DType.Int8)]
    public void Smaller_types_give_nearly_the_same_distribution_token_by_token_and_in_chunks(DType type)
    {
        int[] ids = Logits.RandomIds(60, TestShapes.Starter.VocabularySize, seed: 4);
        var weights = new RandomWeights(seed: 5);
        using var exact = Decoder.Load(
            TestShapes.Starter,
            weights,
            new DecoderOptions
            {
                DType = DType.Float32,
                Capacity = 24,
                Kernels = TestKernels.Required(kernels),
            }
        );
        using var small = Decoder.Load(
            TestShapes.Starter,
            weights,
            new DecoderOptions
            {
                DType = type,
                Capacity = 24,
                Slots = 2,
                Kernels = TestKernels.Required(kernels),
            }
        );

        List<float[]> expected = new TestStream(exact, 0, Layout).Feed(ids, 1);
        List<float[]> steps = new TestStream(small, 0, Layout).Feed(ids, 1);
        List<float[]> chunks = new TestStream(small, 1, Layout).Feed(ids, 16);

        Assert.Equal(type, small.DType);
        for (int i = 0; i < ids.Length; i++)
        {
            Assert.InRange(Divergence(expected[i], steps[i]), -1e-9, 0.01);
            Assert.InRange(Divergence(expected[i], chunks[i]), -1e-9, 0.01);
        }
    }

    [Theory]
    [InlineData(DType.BFloat16), InlineData(DType.Int8)]
    public void Long_inputs_between_replies_give_nearly_the_same_distribution_as_single_tokens(DType type)
    {
        int[] ids = Logits.RandomIds(380, TestShapes.Starter.VocabularySize, seed: 14);
        var weights = new RandomWeights(seed: 5);
        var layout = new CacheLayout(4, 150);
        using Decoder exact = Load(DType.Float32, 1);
        using Decoder small = Load(type, 2);

        List<float[]> expected = new TestStream(exact, 0, layout).Feed(ids, 1);
        var stream = new TestStream(small, 1, layout);
        var other = new TestStream(small, 0, layout);
        var actual = new List<float[]>();
        foreach (int count in (int[])[100, 1, 1, 128, 3, 1, 40, 1, 105]) // also more than the cache keeps
        {
            ReadOnlyMemory<int> next = ids.AsMemory(actual.Count, count);
            actual.AddRange(TestStream.Rows(small, [other.Next(ids.AsMemory(actual.Count, 1), LogitRows.None), stream.Next(next)]));
        }

        for (int i = 0; i < ids.Length; i++)
            Assert.InRange(Divergence(expected[i], actual[i]), -1e-9, 0.01);

        Decoder Load(DType dtype, int slots) =>
            Decoder.Load(
                TestShapes.Starter,
                weights,
                new DecoderOptions
                {
                    DType = dtype,
                    Capacity = layout.Places,
                    Slots = slots,
                    Kernels = TestKernels.Required(kernels),
                }
            );
    }

    [Fact]
    public void Only_requested_rows_give_logits()
    {
        using Decoder decoder = Load(DType.Float32, slots: 3);
        int[] ids = Logits.RandomIds(9, TestShapes.Small.VocabularySize, seed: 2);
        List<float[]> all = new TestStream(decoder, 0, Layout).Feed(ids, 9);
        decoder.Clear(0);

        List<float[]> some = TestStream.Rows(
            decoder,
            [
                new TestStream(decoder, 0, Layout).Next(ids, LogitRows.None),
                new TestStream(decoder, 1, Layout).Next(ids, LogitRows.Last),
                new TestStream(decoder, 2, Layout).Next(ids, LogitRows.All),
            ]
        );

        Assert.Equal(10, some.Count);
        Logits.AssertClose(all[8], some[0], "last");
        for (int i = 0; i < 9; i++)
            Logits.AssertClose(all[i], some[1 + i], $"row {i}");
        Assert.Null(
            decoder.Forward([
                new Segment
                {
                    Slot = 0,
                    Layout = Layout,
                    Position = 9,
                    Fed = 9,
                    Ids = ids,
                },
            ])
        );
    }

    [Theory]
    [InlineData(3, 0, 0, "Slot 3")]
    [InlineData(-1, 0, 0, "Slot -1")]
    [InlineData(0, 5, 0, "do not continue")] // a gap inside the fixed part
    [InlineData(0, 5, 6, "do not continue")] // more fed than the stream has
    [InlineData(0, -1, -1, "do not continue")]
    public void Refuses_a_segment_that_contradicts_the_decoder(int slot, long position, long fed, string because)
    {
        using Decoder decoder = Load(DType.Float32, slots: 3);
        var segment = new Segment
        {
            Slot = slot,
            Layout = Layout,
            Position = position,
            Fed = fed,
            Ids = new[] { 1 },
        };

        Assert.Contains(because, Assert.Throws<ArgumentException>(() => decoder.Forward([segment])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_impossible_segments()
    {
        using Decoder decoder = Load(DType.Float32);
        var good = new Segment
        {
            Slot = 0,
            Layout = Layout,
            Position = 0,
            Fed = 0,
            Ids = new[] { 1 },
        };

        Assert.Throws<ArgumentException>(() => decoder.Forward([]));
        Assert.Throws<ArgumentException>(() => decoder.Forward([good, good]));
        Assert.Throws<ArgumentException>(() => decoder.Forward([good with { Ids = Array.Empty<int>() }]));
        Assert.Throws<ArgumentException>(() => decoder.Forward([good with { Ids = new[] { 50 } }]));
        Assert.Throws<ArgumentException>(() => decoder.Forward([good with { Ids = new[] { -1 } }]));
        Assert.Throws<ArgumentException>(() => decoder.Forward([good with { Layout = new CacheLayout(4, 21) }]));
        Assert.Throws<ArgumentException>(() => decoder.Forward([good with { Layout = new CacheLayout(4, 0) }]));
    }

    [Theory]
    [InlineData("quantum", "There is no device quantum")]
    [InlineData("cuda:7", "The device cuda:7 is not available")]
    public void Refuses_a_missing_device_in_one_sentence(string device, string sentence)
    {
        InputException refusal = Assert.Throws<InputException>(() =>
            Decoder.Load(TestShapes.Small, new RandomWeights(1), new DecoderOptions { Device = device })
        );

        Assert.StartsWith(sentence, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Int8_supports_any_width_or_refuses_it()
    {
        if (kernels != KernelSet.Libtorch) // the managed kernels support any width
        {
            using Decoder decoder = Load(DType.Int8);
            using torch.Tensor? logits = decoder.Forward([
                new Segment
                {
                    Slot = 0,
                    Layout = new CacheLayout(4, 20),
                    Fed = 0,
                    Position = 0,
                    Ids = new[] { 1, 2 },
                    Logits = LogitRows.Last,
                },
            ]);
            Assert.All(logits!.data<float>().ToArray(), logit => Assert.True(float.IsFinite(logit)));
            return;
        }
        InputException refusal = Assert.Throws<InputException>(() => Load(DType.Int8));

        Assert.StartsWith(
            "The type int8 needs widths that are multiples of 32, and this model has one of 24",
            refusal.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_missing_weight_leaks_no_tensor()
    {
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Assert.Throws<InputException>(() =>
            Decoder.Load(
                TestShapes.Small,
                new Without("model.norm.weight"),
                new DecoderOptions { DType = DType.Float32, Kernels = TestKernels.Required(kernels) }
            )
        );

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Disposing_releases_all_tensors()
    {
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        using (Decoder decoder = Load(DType.BFloat16))
            new TestStream(decoder, 0, Layout).Feed(new[] { 1, 2, 3, 4, 5, 6, 7 }, 5);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    /// <summary>Kullback-Leibler divergence of softmax(actual) from softmax(expected), nats.</summary>
    private static double Divergence(float[] expected, float[] actual)
    {
        double[] p = LogSoftmax(expected),
            q = LogSoftmax(actual);
        return p.Zip(q, (a, b) => Math.Exp(a) * (a - b)).Sum();

        static double[] LogSoftmax(float[] logits)
        {
            double max = logits.Max(),
                sum = Math.Log(logits.Sum(l => Math.Exp(l - max)));
            return Array.ConvertAll(logits, l => l - max - sum);
        }
    }

    private Decoder Load(DType type, int slots = 1) =>
        Decoder.Load(
            TestShapes.Small,
            new RandomWeights(seed: 7),
            new DecoderOptions
            {
                DType = type,
                Slots = slots,
                Capacity = 24,
                Kernels = TestKernels.Required(kernels),
            }
        );

    private sealed class Without(string missing) : IWeightSource
    {
        public torch.Tensor Read(string name, params ReadOnlySpan<long> shape) =>
            name == missing ? throw new InputException($"There is no {name}.") : new RandomWeights(1).Read(name, shape);
    }
}
