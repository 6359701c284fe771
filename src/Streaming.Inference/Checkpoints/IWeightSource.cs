using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>A source of weights: a checkpoint's files, or random numbers in tests and benchmarks.</summary>
public interface IWeightSource
{
    /// <summary>Reads a tensor, on the CPU, in its stored type (float32, bfloat16 or float16). The caller owns it.</summary>
    /// <param name="name">Hugging Face's name, such as <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
    /// <param name="shape">The expected shape.</param>
    /// <exception cref="InputException">The tensor is missing or has another shape.</exception>
    torch.Tensor Read(string name, params ReadOnlySpan<long> shape);

    /// <summary>Opens a matrix for reading rows. The default implementation reads the whole matrix at once.</summary>
    internal IStoredMatrix Open(string name, long rows, long columns) => new TensorMatrix(Read(name, rows, columns), Describe(name));

    /// <summary>Which tensor of which file a name means, as the beginning of a sentence.</summary>
    internal string Describe(string name) => $"The tensor '{name}'";
}
