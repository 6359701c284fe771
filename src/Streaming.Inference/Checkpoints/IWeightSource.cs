using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>Where a decoder's weights come from: a checkpoint's files, or random numbers in tests and benchmarks.</summary>
public interface IWeightSource
{
    /// <summary>A new tensor (CPU, in the stored type: float32, bfloat16 or float16) that the caller owns.</summary>
    /// <param name="name">Hugging Face's name, such as <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
    /// <param name="shape">The shape it must have.</param>
    /// <exception cref="InputException">It is missing, or its shape is another.</exception>
    torch.Tensor Read(string name, params ReadOnlySpan<long> shape);

    /// <summary>A matrix, to be read row by row; by itself a source reads it as a whole.</summary>
    internal IStoredMatrix Open(string name, long rows, long columns) => new TensorMatrix(Read(name, rows, columns));
}
