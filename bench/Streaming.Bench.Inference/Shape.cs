using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Tooling;

namespace Streaming.Bench.Inference;

/// <summary>The shape of a model, measured with random weights: speed does not depend on their values.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Config">Its numbers.</param>
internal sealed record Shape(string Name, ModelConfig Config)
{
    /// <summary>For options.</summary>
    public const string Description = "smol135m, llama1b, or starter for the embedded model's shape.";

    private const string Starter = "starter";

    /// <summary>Sinks and window of every conversation.</summary>
    public static CacheLayout Layout { get; } = new(4, 1020);

    /// <summary>A shape by its name.</summary>
    public static Shape Of(string name)
    {
        if (name != Starter)
            return new Shape(name, NamedShapes.Of(name));
        using var embedded = Checkpoint.Open(Repository.PathTo("models", Starter));
        return new Shape(name, embedded.Config);
    }

    /// <summary>A decoder of this shape.</summary>
    public Decoder Load(DecoderOptions options, Func<KernelContext, IKernels>? kernels = null) =>
        Decoder.Load(Config, new RandomWeightSource(), options with { Capacity = Layout.Places }, kernels ?? KernelFactory.Create);
}
