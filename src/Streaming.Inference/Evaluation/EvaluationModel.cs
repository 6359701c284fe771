using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Serving;
using TorchSharp;

namespace Streaming.Inference.Evaluation;

/// <summary>What to measure: a policy with its sinks and window, on a device.</summary>
public sealed record EvaluationOptions
{
    /// <summary>The tokens that a query attends to.</summary>
    public required CachePolicy Policy { get; init; }

    /// <summary>S, first tokens that are never evicted.</summary>
    public int Sinks { get; init; } = 4;

    /// <summary>
    /// W, recent tokens in attention; null fills the model's context, at most <see cref="Engine.DefaultPlaces"/> tokens with the
    /// sinks.
    /// </summary>
    public int? Window { get; init; }

    /// <summary>Concurrent streams, each in its own slot.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Tokens of a stream beyond S + W, which dense attention needs places for.</summary>
    public int Growth { get; init; }

    /// <summary>The arithmetic.</summary>
    public DType DType { get; init; } = DType.Auto;

    /// <summary>libtorch's name of the device: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads of an operation; null leaves one processor to the system.</summary>
    public int? Threads { get; init; }
}

/// <summary>
/// A decoder for one policy, without a batcher, because evaluation needs all logits and samples nothing. Not thread-safe.
/// </summary>
public sealed class EvaluationModel : IDisposable
{
    private EvaluationModel(EvaluationOptions options, CacheLayout asked, CacheLayout used, int threads, Decoder decoder)
    {
        Policy = options.Policy;
        Asked = asked;
        Layout = used;
        Threads = threads;
        Decoder = decoder;
    }

    /// <summary>The tokens that a query attends to.</summary>
    public CachePolicy Policy { get; }

    /// <summary>S and W as requested, or their defaults.</summary>
    public CacheLayout Asked { get; }

    /// <summary>Threads of an operation.</summary>
    public int Threads { get; }

    /// <summary>The arithmetic, never <see cref="DType.Auto"/>.</summary>
    public DType DType => Decoder.DType;

    /// <summary>The layout of a slot.</summary>
    internal CacheLayout Layout { get; }

    internal Decoder Decoder { get; }

    /// <summary>Sets libtorch's number of threads, which it keeps per calling thread.</summary>
    internal void UseThreads() => torch.set_num_threads(Threads);

    /// <summary>Loads a checkpoint or random weights.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="options">What to measure.</param>
    /// <exception cref="InputException">Sinks, window or type are impossible for the model, or a weight is missing.</exception>
    public static EvaluationModel Load(ModelConfig config, IWeightSource weights, EvaluationOptions options)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(options);
        CacheLayout asked = Engine.LayoutOf(
            new EngineOptions
            {
                Model = "",
                Sinks = options.Sinks,
                Window = options.Window,
            },
            config
        );
        CacheLayout used = CachePolicies.LayoutOf(options.Policy, asked, checked(asked.Places + options.Growth));
        int threads = options.Threads ?? Math.Max(1, Environment.ProcessorCount - 1);
        var decoder = Decoder.Load(
            // Dense attention exceeds the context on purpose: its behaviour there is measured.
            config with
            {
                ContextLength = Math.Max(config.ContextLength, used.Places),
            },
            weights,
            new DecoderOptions
            {
                DType = options.DType,
                Device = options.Device,
                Slots = options.Batch,
                Capacity = used.Places,
                Threads = threads,
            }
        );
        return new EvaluationModel(options, asked, used, threads, decoder);
    }

    /// <summary>Releases weights and cache.</summary>
    public void Dispose() => Decoder.Dispose();
}
