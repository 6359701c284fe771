using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tests.Decoding;
using TorchSharp;

namespace Streaming.Inference.Tests.Batching;

/// <summary>Counts allocations of the whole process, so no other test may run at the same time.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    private const int WarmUp = 300,
        Steps = 1_000,
        Rounds = 3;

    // Per conversation: a token's record and text and their way through the channel. Per step: the cost for all conversations.
    private const int BytesPerToken = 200,
        BytesPerStep = 700;
    private static readonly CacheLayout s_layout = new(4, 40);
    private static readonly ModelConfig s_shape = TestShapes.Small with { VocabularySize = 257 };

    [Theory]
    [InlineData(1, 0, DType.Float32), InlineData(8, 0, DType.Float32), InlineData(1, 0.9, DType.Int8), InlineData(8, 0.9, DType.Int8)]
    public async Task A_steady_step_creates_no_tensor_and_allocates_a_few_hundred_bytes_per_conversation(
        int conversations,
        double temperature,
        DType type
    )
    {
        ObservedKernels? observed = null;
        var decoder = Decoder.Load(
            s_shape,
            new RandomWeights(seed: 17, gain: 1.5),
            new DecoderOptions
            {
                DType = type,
                Slots = conversations,
                Capacity = s_layout.Places,
            },
            context => observed = new ObservedKernels(KernelFactory.Create(context))
        );
        var counts = new List<Counts>();
        var measured = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int steps = 0;
        observed!.StepBegins = rows =>
        {
            if (rows != conversations)
                steps = 0; // not steady yet, or a reader is late
            else if (++steps >= WarmUp && (steps - WarmUp) % Steps == 0 && counts.Count <= Rounds)
                counts.Add(Counts.Now());
            if (counts.Count > Rounds)
                measured.TrySetResult();
        };
        await using var batcher = new Batcher(
            decoder,
            TestDevice.Vocabulary,
            [],
            options: new BatcherOptions { OutputsAhead = WarmUp + (Rounds + 2) * Steps }
        );
        Task[] replies = [.. Enumerable.Range(0, conversations).Select(slot => Task.Run(() => ReadAsync(slot)))];

        await measured.Task.WaitAsync(TestDevice.Deadline, TestContext.Current.CancellationToken);
        for (int slot = 0; slot < conversations; slot++)
            batcher.Stop(slot, EndReason.Stopped);
        await Task.WhenAll(replies).WaitAsync(TestDevice.Deadline, TestContext.Current.CancellationToken);

        Counts[] rounds = [.. counts.Zip(counts.Skip(1), (before, after) => after - before)];
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{conversations} conversations, {type}: {rounds.Min(round => round.Bytes) / Steps} bytes a step"
        );
        Assert.All(rounds, round => Assert.Equal(0, round.Tensors));
        // The runtime also allocates occasionally, but allocations of a step occur in every round.
        Assert.InRange(rounds.Min(round => round.Bytes) / Steps, 1, BytesPerStep + conversations * BytesPerToken);

        async Task ReadAsync(int slot)
        {
            DecodeJob job = TestDevice.Job(slot) with
            {
                Layout = s_layout,
                Sampling = new SamplingParameters
                {
                    Temperature = temperature,
                    TopP = 0.95,
                    RepeatPenalty = 1.1,
                    Seed = (ulong)slot,
                    MaxTokens = 0,
                },
            };
            await foreach (DecodeOutput output in batcher.DecodeAsync(job))
                Assert.NotNull(output);
        }
    }

    /// <summary>Since the start: bytes allocated by the process, and tensors created by the device's thread.</summary>
    private readonly record struct Counts(long Bytes, long Tensors)
    {
        public static Counts Now()
        {
            ThreadDisposeScopeStatistics made = DisposeScopeManager.Statistics;
            return new Counts(GC.GetTotalAllocatedBytes(precise: true), made.CreatedInScopeCount + made.CreatedOutsideScopeCount);
        }

        public static Counts operator -(Counts after, Counts before) => new(after.Bytes - before.Bytes, after.Tensors - before.Tensors);
    }
}
