using System.Runtime.InteropServices;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tests.Batching;
using Streaming.Inference.Tests.Decoding;

namespace Streaming.Inference.Tests.Snapshots;

/// <summary>A device with a small real model that records the bits of all logits.</summary>
internal sealed class SnapshotDevice : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Unread outputs at which a job pauses.</summary>
    public const int OutputsAhead = 50;

    /// <summary>Widths that int8 supports.</summary>
    private static readonly ModelConfig Shape = new()
    {
        Layers = 3,
        HiddenSize = 64,
        IntermediateSize = 96,
        Heads = 4,
        KeyValueHeads = 2,
        HeadDim = 16,
        VocabularySize = 257,
        ContextLength = 512,
    };

    private readonly List<float[]> _logits = [];

    public SnapshotDevice(
        DType type = DType.Float32,
        bool deterministic = false,
        KernelSet kernels = KernelSet.Auto,
        int capacity = 40,
        int slots = 2,
        string checkpoint = "the checkpoint",
        int layers = 3
    )
    {
        ObservedKernels? observed = null;
        var decoder = Decoder.Load(
            Shape with
            {
                Layers = layers,
            },
            new RandomWeights(seed: 23, gain: 1.5),
            new DecoderOptions
            {
                DType = type,
                Deterministic = deterministic,
                Kernels = kernels,
                Slots = slots,
                Capacity = capacity,
            },
            context => observed = new ObservedKernels(KernelFactory.Create(context))
        );
        observed!.LogitsAreReady = logits => _logits.Add(logits.to_type(TorchSharp.torch.ScalarType.Float32).data<float>().ToArray());
        Kernels = observed;
        Batcher = new Batcher(
            decoder,
            TestDevice.Vocabulary,
            [],
            options: new BatcherOptions { Checkpoint = checkpoint, OutputsAhead = OutputsAhead }
        );
    }

    public Batcher Batcher { get; }

    public ObservedKernels Kernels { get; }

    /// <summary>Ids of a stream's beginning.</summary>
    public static int[] Input(int tokens) => Logits.RandomIds(tokens, 256, seed: 3);

    /// <summary>A job that begins a stream and samples some tokens.</summary>
    public static DecodeJob Beginning(CacheLayout layout, int inputTokens, int sampled, int slot = 0) =>
        new()
        {
            Slot = slot,
            Layout = layout,
            Reset = true,
            Input = [new TokenRun(0, Input(inputTokens))],
            StreamHash = StreamHash.Empty.Append(Input(inputTokens)),
            Sampling = Sampling(sampled),
            Branch = 2,
        };

    /// <summary>The job that continues after another one, whose last token is pending.</summary>
    public static DecodeJob Continuation(
        DecodeJob before,
        IReadOnlyList<int> sampled,
        int more,
        ISlotSnapshot? snapshot = null,
        int slot = 0
    )
    {
        long position = before.Input[0].Ids.Length + sampled.Count - 1;
        return before with
        {
            Slot = slot,
            Reset = false,
            Snapshot = snapshot,
            Input = [new TokenRun(position, new[] { sampled[^1] })],
            StreamHash = before.StreamHash!.Value.Append([.. sampled]),
            Sampling = Sampling(more),
        };
    }

    /// <summary>Runs a job to its end; returns its tokens and the bits of their logits.</summary>
    public async Task<(int[] Ids, byte[] Logits)> RunAsync(DecodeJob job)
    {
        _logits.Clear();
        var ids = new List<int>();
        await foreach (DecodeOutput output in Batcher.DecodeAsync(job, TestContext.Current.CancellationToken))
        {
            if (output is TokenSampled token)
                ids.Add(token.Id);
        }
        return ([.. ids], [.. _logits.SelectMany(row => MemoryMarshal.AsBytes(row.AsSpan()).ToArray())]);
    }

    /// <summary>A slot's snapshot as bytes.</summary>
    public async Task<byte[]> CaptureAsync(int slot = 0)
    {
        using ISlotSnapshot? snapshot = await Batcher.CaptureAsync(slot, TestContext.Current.CancellationToken);
        Assert.NotNull(snapshot);
        return await BytesOfAsync(snapshot);
    }

    /// <summary>A snapshot's bytes; checks their length.</summary>
    public static async Task<byte[]> BytesOfAsync(ISlotSnapshot snapshot)
    {
        using var written = new MemoryStream();
        await snapshot.WriteAsync(written, TestContext.Current.CancellationToken);
        Assert.Equal(snapshot.Length, written.Length);
        return written.ToArray();
    }

    public Task<ISlotSnapshot> ReadAsync(byte[] snapshot) =>
        Batcher.ReadSnapshotAsync(new MemoryStream(snapshot), TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Batcher.DisposeAsync();

    private static SamplingParameters Sampling(int tokens)
    {
        Assert.InRange(tokens, 1, int.MaxValue); // 0 is no limit
        return new SamplingParameters
        {
            Temperature = 0.9f,
            TopP = 0.95f,
            RepeatPenalty = 1.1f,
            Seed = 5,
            MaxTokens = tokens,
        };
    }
}
