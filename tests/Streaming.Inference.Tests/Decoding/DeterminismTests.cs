using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Kernels;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>
/// Deterministic mode: the same bits for any other batch content, for any chunks, and after any rebuild.
/// </summary>
public class DeterminismTests
{
    private const int Conversations = 16,
        Tokens = 260;
    private static readonly CacheLayout[] Layouts = [new(4, 20), new(0, 9), new(1, 17), new(12, 12)];

    public static readonly TheoryData<KernelSet, DType, int> Cases = new()
    {
        { KernelSet.Auto, DType.Float32, 1 },
        { KernelSet.Auto, DType.Int8, 1 },
        { KernelSet.Auto, DType.Float32, 3 },
        { KernelSet.Auto, DType.Int8, 3 },
        { KernelSet.Avx2, DType.Float32, 1 },
        { KernelSet.Avx2, DType.Int8, 1 },
        { KernelSet.Portable, DType.Float32, 1 },
        { KernelSet.Portable, DType.Int8, 1 },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Sixteen_conversations_in_random_batches_and_chunks_get_the_same_bits_as_alone(KernelSet kernels, DType type, int threads)
    {
        int[][] ids =
        [
            .. Enumerable.Range(0, Conversations).Select(c => Logits.RandomIds(Tokens, TestShapes.Small.VocabularySize, seed: 60 + c)),
        ];
        List<float[]>[] alone = Alone(kernels, type, ids);
        using Decoder together = Load(kernels, type, Conversations, threads);
        TestStream[] streams = [.. Enumerable.Range(0, Conversations).Select(c => new TestStream(together, c, LayoutOf(c)))];
        int[] done = new int[Conversations];
        var random = new Random(9);
        int steps = 0;
        while (done.Any(count => count < Tokens))
        {
            int[] open = [.. Enumerable.Range(0, Conversations).Where(c => done[c] < Tokens)];
            random.Shuffle(open);
            var segments = new List<Segment>();
            var rows = new List<(int Conversation, int Token)>();
            foreach (int c in open.Take(random.Next(1, Conversations + 1)))
            {
                int count = Math.Min(random.Next(4) == 0 ? random.Next(1, 50) : 1, Tokens - done[c]);
                segments.Add(streams[c].Next(ids[c].AsMemory(done[c], count)));
                for (int i = 0; i < count; i++)
                    rows.Add((c, done[c]++));
            }
            List<float[]> logits = TestStream.Rows(together, segments);
            for (int row = 0; row < rows.Count; row++)
                AssertSameBits(
                    alone[rows[row].Conversation][rows[row].Token],
                    logits[row],
                    $"conversation {rows[row].Conversation}, token {rows[row].Token}, step {steps}"
                );
            steps++;
        }
        Assert.InRange(steps, 50, 10_000);
    }

    [Theory, MemberData(nameof(Cases))]
    public void A_slot_rebuilt_anywhere_in_the_stream_gives_the_same_bits_afterwards(KernelSet kernels, DType type, int threads)
    {
        int[][] ids =
        [
            .. Enumerable.Range(0, Layouts.Length).Select(c => Logits.RandomIds(Tokens, TestShapes.Small.VocabularySize, seed: 80 + c)),
        ];
        List<float[]>[] alone = Alone(kernels, type, ids);
        using Decoder decoder = Load(kernels, type, slots: 1, threads);
        var random = new Random(10);
        for (int rebuild = 0; rebuild < 40; rebuild++)
        {
            int c = rebuild % Layouts.Length;
            CacheLayout layout = LayoutOf(c);
            int length = decoder.RebuildLength(layout.Window);
            int to = random.Next(layout.Fixed + length + 1, Tokens - 10);
            decoder.Clear(0);
            var stream = new TestStream(decoder, 0, layout);
            if (layout.Fixed > 0)
                stream.Feed(ids[c].AsMemory(0, layout.Fixed), random.Next(1, 8));
            stream.JumpTo(to - length);
            List<float[]> after = stream.Feed(ids[c].AsMemory(to - length, length), random.Next(1, 60));
            after = [after[^1], .. stream.Feed(ids[c].AsMemory(to), random.Next(1, 5))];

            for (int i = 0; i < after.Count; i++)
                AssertSameBits(alone[c][to - 1 + i], after[i], $"{layout} rebuilt at {to}, token {i} after");
        }
    }

    [Theory]
    [InlineData(DType.Float32), InlineData(DType.Int8), InlineData(DType.Int4)]
    public void A_wide_model_is_as_deterministic_as_a_narrow_one(DType type)
    {
        int[][] ids = [.. Enumerable.Range(0, 5).Select(c => Logits.RandomIds(40, TestShapes.Starter.VocabularySize, seed: 90 + c))];
        using Decoder alone = LoadStarter(slots: 1, threads: 1);
        using Decoder together = LoadStarter(slots: 5, threads: 2);
        var layout = new CacheLayout(4, 20);
        TestStream[] streams = [.. ids.Select((_, c) => new TestStream(together, c, layout))];
        List<float[]> prompts = TestStream.Rows(together, [.. streams.Select((stream, c) => stream.Next(ids[c].AsMemory(0, 30)))]);
        List<List<float[]>> steps =
        [
            .. Enumerable
                .Range(30, 10)
                .Select(t => TestStream.Rows(together, [.. streams.Select((stream, c) => stream.Next(ids[c].AsMemory(t, 1)))])),
        ];

        for (int c = 0; c < ids.Length; c++)
        {
            alone.Clear(0);
            List<float[]> expected = new TestStream(alone, 0, layout).Feed(ids[c], 1);
            for (int t = 0; t < 30; t++)
                AssertSameBits(expected[t], prompts[30 * c + t], $"conversation {c}, token {t}");
            for (int t = 30; t < 40; t++)
                AssertSameBits(expected[t], steps[t - 30][c], $"conversation {c}, token {t}");
        }

        Decoder LoadStarter(int slots, int threads) =>
            Decoder.Load(
                TestShapes.Starter,
                new RandomWeights(5),
                new DecoderOptions
                {
                    DType = type,
                    Deterministic = true,
                    Slots = slots,
                    Capacity = 24,
                    Threads = threads,
                }
            );
    }

    [Fact]
    public void Refuses_options_that_cannot_be_deterministic_or_are_impossible()
    {
        Assert.StartsWith(
            "Deterministic mode does not support bfloat16",
            Refusal(new DecoderOptions { DType = DType.BFloat16, Deterministic = true }),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "libtorch's kernels are not deterministic",
            Refusal(
                new DecoderOptions
                {
                    DType = DType.Int8,
                    Kernels = KernelSet.Libtorch,
                    Deterministic = true,
                }
            ),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "libtorch's kernels do not support the type int4",
            Refusal(new DecoderOptions { DType = DType.Int4, Kernels = KernelSet.Libtorch }),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "0 is no number of threads",
            Refusal(new DecoderOptions { DType = DType.Int8, Threads = 0 }),
            StringComparison.Ordinal
        );

        static string Refusal(DecoderOptions options) =>
            Assert
                .Throws<InputException>(() => Decoder.Load(TestShapes.Small, new RandomWeights(1), options with { Capacity = 24 }))
                .Message;
    }

    [Fact]
    public void Deterministic_mode_resolves_auto_to_float32()
    {
        using Decoder decoder = Load(KernelSet.Auto, DType.Auto, slots: 1, threads: 1);

        Assert.Equal(DType.Float32, decoder.DType);
    }

    /// <summary>Each conversation's logits, token by token, decoded alone.</summary>
    private static List<float[]>[] Alone(KernelSet kernels, DType type, int[][] ids)
    {
        using Decoder decoder = Load(kernels, type, slots: 1, threads: 1);
        return
        [
            .. ids.Select(
                (own, c) =>
                {
                    decoder.Clear(0);
                    return new TestStream(decoder, 0, LayoutOf(c)).Feed(own, 1);
                }
            ),
        ];
    }

    private static CacheLayout LayoutOf(int conversation) => Layouts[conversation % Layouts.Length];

    private static void AssertSameBits(float[] expected, float[] actual, string what)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
                Assert.Fail($"{what}: logit {i} is {actual[i]:R} and must be {expected[i]:R}.");
        }
        Assert.Equal(expected.Length, actual.Length);
    }

    private static Decoder Load(KernelSet kernels, DType type, int slots, int threads) =>
        Decoder.Load(
            TestShapes.Small,
            new RandomWeights(seed: 7, gain: 1.5),
            new DecoderOptions
            {
                DType = type,
                Deterministic = true,
                Slots = slots,
                Capacity = 24,
                Threads = threads,
                Kernels = TestKernels.Required(kernels),
            }
        );
}
