using System.Runtime.InteropServices;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tests.Decoding;
using Streaming.Inference.Tests.Tokenizing;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Batching;

/// <summary>A batcher with a small real model whose ids are bytes, and helpers for tests.</summary>
internal sealed class TestDevice : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    public static readonly CacheLayout Layout = new(4, 20);
    public static readonly IVocabulary Vocabulary = new ToyVocabulary();
    private static readonly ModelConfig Shape = TestShapes.Small with { VocabularySize = 257 };

    public TestDevice(
        int slots = 4,
        BatcherOptions? options = null,
        TimeProvider? time = null,
        int[]? controlTokens = null,
        IVocabulary? vocabulary = null,
        params int[] endTokens
    )
    {
        ObservedKernels? observed = null;
        var decoder = Decoder.Load(
            Shape,
            new RandomWeights(seed: 17, gain: 1.5),
            new DecoderOptions
            {
                DType = DType.Float32,
                Slots = slots,
                Capacity = Layout.Places,
            },
            context => observed = new ObservedKernels(KernelFactory.Create(context))
        );
        Kernels = observed!;
        Batcher = new Batcher(decoder, vocabulary ?? Vocabulary, endTokens, controlTokens, options, time);
    }

    public Batcher Batcher { get; }

    public ObservedKernels Kernels { get; }

    /// <summary>A job with a short input that decodes 30 tokens greedily.</summary>
    public static DecodeJob Job(int slot = 0, int inputTokens = 5, int inputSeed = 1) =>
        new()
        {
            Slot = slot,
            Layout = Layout,
            Reset = true,
            Input = [new TokenRun(0, Input(inputTokens, inputSeed))],
            Sampling = new SamplingParameters
            {
                Temperature = 0,
                TopP = 1,
                MaxTokens = 30,
            },
        };

    public static int[] Input(int tokens, int seed = 1) => Logits.RandomIds(tokens, 256, seed);

    /// <summary>The expected tokens of a job, by a plain loop over a separate decoder.</summary>
    public static int[] Expected(DecodeJob job, int tokens)
    {
        using var decoder = Decoder.Load(
            Shape,
            new RandomWeights(seed: 17, gain: 1.5),
            new DecoderOptions { DType = DType.Float32, Capacity = Layout.Places }
        );
        var sampler = new Sampler([]);
        var stream = new TestStream(decoder, 0, job.Layout);
        float[] logits = [];
        var all = new List<int>();
        foreach (TokenRun run in job.Input)
        {
            stream.JumpTo(run.Position);
            logits = stream.Feed(run.Ids, 1)[^1];
            all.AddRange(run.Ids.ToArray());
        }
        var sampled = new List<int>();
        while (sampled.Count < tokens)
        {
            int[] cached = [.. Enumerable.Repeat(-1, job.Layout.Places)];
            for (int position = 0; position < all.Count; position++)
                cached[job.Layout.PlaceOf(position)] = all[position];
            int id = sampler.Sample(
                logits,
                job.Sampling,
                new SampledStream
                {
                    Branch = job.Branch,
                    Position = stream.Position,
                    Generated = sampled.Count,
                    CachedIds = cached,
                    Layout = job.Layout,
                }
            );
            sampled.Add(id);
            all.Add(id);
            logits = stream.Feed(new[] { id }, 1)[0];
        }
        return [.. sampled];
    }

    /// <summary>Runs a job to its end.</summary>
    public Task<List<DecodeOutput>> RunAsync(DecodeJob job, CancellationToken cancellation = default)
    {
        return Read().WaitAsync(Deadline, CancellationToken.None);

        async Task<List<DecodeOutput>> Read()
        {
            var outputs = new List<DecodeOutput>();
            await foreach (DecodeOutput output in Batcher.DecodeAsync(job, cancellation))
                outputs.Add(output);
            return outputs;
        }
    }

    public static int[] Ids(IEnumerable<DecodeOutput> outputs) => [.. outputs.OfType<TokenSampled>().Select(token => token.Id)];

    public static DecodeEnded End(IEnumerable<DecodeOutput> outputs) => Assert.IsType<DecodeEnded>(outputs.Last());

    /// <summary>The joined text of all outputs.</summary>
    public static string Text(IEnumerable<DecodeOutput> outputs) =>
        string.Concat(
            outputs.Select(output =>
                output switch
                {
                    TokenSampled token => token.Text,
                    DecodeEnded end => end.Text,
                    _ => "",
                }
            )
        );

    public ValueTask DisposeAsync() => Batcher.DisposeAsync();
}

/// <summary>Holds each step of the device until the test releases it, and records its number of rows.</summary>
internal sealed class StepGate : IDisposable
{
    private readonly SemaphoreSlim _allowed = new(0);
    private readonly SemaphoreSlim _begun = new(0);
    private volatile bool _open;

    public StepGate(TestDevice device) =>
        device.Kernels.StepBegins = rows =>
        {
            lock (Rows)
                Rows.Add(rows);
            _begun.Release();
            if (!_open && !_allowed.Wait(TestDevice.Deadline))
                throw new ExternalException("The test did not let the step go on.");
        };

    /// <summary>Number of rows of each step so far.</summary>
    public List<int> Rows { get; } = [];

    /// <summary>Waits until the next step has begun and is held.</summary>
    public async Task BegunAsync() => Assert.True(await _begun.WaitAsync(TestDevice.Deadline), "No step began.");

    /// <summary>Releases the held step and waits for the next one to begin.</summary>
    public async Task NextAsync()
    {
        _allowed.Release();
        await BegunAsync();
    }

    /// <summary>Releases the held step and holds no more.</summary>
    public void Open()
    {
        _open = true;
        _allowed.Release();
    }

    public void Dispose()
    {
        Open();
    }
}
