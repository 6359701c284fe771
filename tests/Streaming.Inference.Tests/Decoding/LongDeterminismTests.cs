using System.Runtime.InteropServices;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>
/// Thousands of steps of sixteen slots. Conversations join and leave, are fed in chunks, rebuilt, and restored into other slots, all at
/// random. Each row's logits have the same bits as those of the conversation alone.
/// </summary>
public class LongDeterminismTests
{
    private const int Slots = 16,
        Streams = 10,
        Tokens = 1_200,
        Steps = 2_500,
        Capacity = 24,
        MostTokensBehind = 40;
    private static readonly CacheLayout[] s_layouts = [new(4, 20), new(0, 9), new(1, 17), new(12, 12)];

    private static readonly ModelConfig s_shape = new()
    {
        Layers = 2,
        HiddenSize = 64,
        IntermediateSize = 64,
        Heads = 4,
        KeyValueHeads = 2,
        HeadDim = 16,
        VocabularySize = 48,
        ContextLength = 512,
    };

    [Theory]
    [InlineData(DType.Float32, 2), InlineData(DType.Int8, 2), InlineData(DType.Int4, 1)]
    public void Conversations_that_join_and_leave_get_the_same_bits_as_alone_over_thousands_of_steps(DType type, int threads)
    {
        int[][] ids = [.. Enumerable.Range(0, Streams).Select(c => Logits.RandomIds(Tokens, s_shape.VocabularySize, seed: 300 + c))];
        List<float[]>[] alone = Alone(type, ids);
        using Decoder together = Load(type, Slots, threads);
        var random = new Random(31);
        var seats = new Seat?[Slots];
        int[] next = new int[Streams]; // next token of a conversation without a slot
        var saved = new Dictionary<int, Saved>();
        int steps = 0,
            rows = 0,
            rebuilds = 0,
            restores = 0,
            chunks = 0;
        try
        {
            for (; steps < Steps; steps++)
            {
                ComeAndGo();
                Seat[] taking = [.. seats.OfType<Seat>().Where(_ => random.Next(5) > 0)];
                random.Shuffle(taking);
                if (taking.Length == 0)
                    continue;
                var segments = new List<Segment>();
                var expected = new List<float[]>();
                foreach (Seat seat in taking)
                {
                    int count = Math.Min(random.Next(12) == 0 ? random.Next(2, MostTokensBehind) : 1, Tokens - seat.At);
                    chunks += count > 1 ? 1 : 0;
                    segments.Add(seat.Stream.Next(ids[seat.Conversation].AsMemory(seat.At, count)));
                    expected.AddRange(alone[seat.Conversation].GetRange(seat.At, count));
                    seat.At += count;
                }
                List<float[]> logits = TestStream.Rows(together, segments);
                for (int row = 0; row < expected.Count; row++)
                    AssertSameBits(expected[row], logits[row], $"step {steps}, row {row}");
                rows += expected.Count;
            }
        }
        finally
        {
            foreach (Saved left in saved.Values)
                left.Dispose();
        }
        Assert.True(
            rows > 5 * Steps && rebuilds > 50 && restores > 50 && chunks > 500,
            $"{rows} rows, {rebuilds} rebuilds, {restores} restores, {chunks} chunks."
        );

        void ComeAndGo()
        {
            for (int slot = 0; slot < Slots; slot++)
            {
                if (seats[slot] is { } seat && (seat.At == Tokens || random.Next(40) == 0))
                    Leave(seat, slot);
            }
            for (int c = 0; c < Streams; c++)
            {
                if (random.Next(4) == 0 && !seats.Any(seat => seat?.Conversation == c))
                    Come(c, slot: RandomFreeSlot());
            }
        }

        void Leave(Seat seat, int slot)
        {
            seats[slot] = null;
            next[seat.Conversation] = seat.At < Tokens ? seat.At : 0;
            if (seat.At < Tokens && random.Next(2) == 0)
                saved[seat.Conversation] = Saved.Of(together, slot, LayoutOf(seat.Conversation), seat.Stream);
        }

        void Come(int c, int slot)
        {
            CacheLayout layout = LayoutOf(c);
            int at = next[c],
                length = together.RebuildLength(layout.Window) - 1; // the next token is the last of them
            TestStream stream;
            if (saved.Remove(c, out Saved? snapshot))
            {
                using (snapshot)
                    stream = snapshot.Restore(together, slot, layout);
                restores++;
            }
            else
            {
                together.Clear(slot);
                stream = new TestStream(together, slot, layout);
                if (at <= layout.Fixed + length)
                {
                    Feed(c, stream, 0, at);
                }
                else
                {
                    Feed(c, stream, 0, layout.Fixed);
                    stream.JumpTo(at - length);
                    Feed(c, stream, at - length, at);
                    rebuilds++;
                }
            }
            seats[slot] = new Seat(c, stream) { At = at };
        }

        void Feed(int c, TestStream stream, int from, int to)
        {
            if (to > from)
                stream.Feed(ids[c].AsMemory(from, to - from), random.Next(1, 60));
        }

        int RandomFreeSlot()
        {
            int[] free = [.. Enumerable.Range(0, Slots).Where(slot => seats[slot] is null)];
            return free[random.Next(free.Length)];
        }
    }

    private static CacheLayout LayoutOf(int conversation) => s_layouts[conversation % s_layouts.Length];

    private static List<float[]>[] Alone(DType type, int[][] ids)
    {
        using Decoder decoder = Load(type, slots: 1, threads: 1);
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

    private static void AssertSameBits(float[] expected, float[] actual, string what)
    {
        if (!MemoryMarshal.AsBytes(expected.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(actual.AsSpan())))
            Assert.Fail($"{what}: the logits are {Logits.Distance(actual, expected):g3} apart.");
    }

    private static Decoder Load(DType type, int slots, int threads) =>
        Decoder.Load(
            s_shape,
            new RandomWeights(seed: 7, gain: 1.5),
            new DecoderOptions
            {
                DType = type,
                Deterministic = true,
                Slots = slots,
                Capacity = Capacity,
                Threads = threads,
            }
        );

    /// <summary>A conversation in a slot.</summary>
    private sealed class Seat(int conversation, TestStream stream)
    {
        public int Conversation => conversation;

        public TestStream Stream => stream;

        public int At { get; set; }
    }

    /// <summary>A copy of a slot's tensors.</summary>
    private sealed record Saved(long[] Rows, torch.Tensor[] Tensors, long Position, long Fed) : IDisposable
    {
        public static Saved Of(Decoder decoder, int slot, CacheLayout layout, TestStream stream)
        {
            int[] ids = new int[layout.Places];
            Array.Fill(ids, -1);
            // A place is in use if it holds a token of the fixed part or one of the last W tokens fed.
            for (long fixedAt = 0; fixedAt < Math.Min(layout.Fixed, stream.Fed); fixedAt++)
                ids[fixedAt] = 1;
            for (long at = Math.Max(layout.Fixed, stream.Position - Math.Min(layout.Window, stream.Fed)); at < stream.Position; at++)
                ids[layout.PlaceOf(at)] = 1;
            long[] rows = decoder.Parts.RowsOf(ids);
            return new Saved(rows, decoder.CopyOut(slot, rows), stream.Position, stream.Fed);
        }

        public TestStream Restore(Decoder decoder, int slot, CacheLayout layout)
        {
            decoder.CopyIn(slot, Rows, Tensors);
            return new TestStream(decoder, slot, layout, Position, Fed);
        }

        public void Dispose()
        {
            foreach (torch.Tensor tensor in Tensors)
                tensor.Dispose();
        }
    }
}
