using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>A matrix that rows are multiplied with.</summary>
/// <param name="Rows">[out, in]; int8 when there are scales; [out, in / 2], two numbers a byte, when there is a scale for each group of a row.</param>
/// <param name="Scales">[out], or [out, groups], bfloat16; null for a matrix that is not quantised.</param>
/// <param name="Bias">[out], what is added to each product, in the activations' type; null for nothing.</param>
internal sealed record Weight(torch.Tensor Rows, torch.Tensor? Scales, torch.Tensor? Bias = null)
{
    /// <summary>Whether a number has 4 bits.</summary>
    public bool HasNibbles { get; } = Scales?.dim() == 2;

    public IEnumerable<torch.Tensor> Tensors => ((IEnumerable<torch.Tensor?>)[Rows, Scales, Bias]).OfType<torch.Tensor>();
}
