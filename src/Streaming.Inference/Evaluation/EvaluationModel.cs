using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Serving;
using TorchSharp;

namespace Streaming.Inference.Evaluation;

/// <summary>What is measured: a model on a device, and a policy with its sinks and window.</summary>
public sealed record EvaluationOptions
{
    /// <summary>What a query may attend to.</summary>
    public required CachePolicy Policy { get; init; }

    /// <summary>S.</summary>
    public int Sinks { get; init; } = 4;

    /// <summary>W; null fills the model's context, at most <see cref="Engine.DefaultPlaces"/> tokens with the sinks.</summary>
    public int? Window { get; init; }

    /// <summary>Streams at a time, each in a slot of its own.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Tokens that a stream comes to beyond S + W: dense attention needs places for them.</summary>
    public int Growth { get; init; }

    /// <summary>The arithmetic.</summary>
    public DType DType { get; init; } = DType.Auto;

    /// <summary>libtorch's name of the device: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads of an operation; null leaves one processor to the system.</summary>
    public int? Threads { get; init; }
}

/// <summary>
/// A decoder that is made for one policy, without the batcher: evaluation looks at every token's logits and samples nothing. It
/// belongs to one thread at a time.
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

    /// <summary>What a query may attend to.</summary>
    public CachePolicy Policy { get; }

    /// <summary>S and W as they were asked for, or their defaults.</summary>
    public CacheLayout Asked { get; }

    /// <summary>Threads of an operation.</summary>
    public int Threads { get; }

    /// <summary>The arithmetic, never <see cref="DType.Auto"/>.</summary>
    public DType DType => Decoder.DType;

    /// <summary>How a slot is used.</summary>
    internal CacheLayout Layout { get; }

    internal Decoder Decoder { get; }

    /// <summary>Gives the calling thread its number of libtorch's threads, which belongs to the thread that sets it.</summary>
    internal void UseThreads() => torch.set_num_threads(Threads);

    /// <summary>Loads a checkpoint or random weights.</summary>
    /// <param name="config">What the model is.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="options">What is measured on it.</param>
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
            // Dense attention goes beyond the context on purpose: what happens there is what is measured.
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
