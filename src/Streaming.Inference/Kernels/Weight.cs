using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>A weight matrix, quantised or not.</summary>
/// <param name="Rows">[out, in]; int8 if quantised to 8 bits; [out, in / 2], two elements a byte, if quantised to 4 bits.</param>
/// <param name="Scales">[out] for 8 bits, [out, groups] for 4 bits, bfloat16; null if not quantised.</param>
/// <param name="Bias">[out], added to each product, in the activations' type; null for none.</param>
internal sealed record Weight(torch.Tensor Rows, torch.Tensor? Scales, torch.Tensor? Bias = null)
{
    /// <summary>Whether the matrix is quantised to 4 bits.</summary>
    public bool HasNibbles { get; } = Scales?.dim() == 2;

    public IEnumerable<torch.Tensor> Tensors => ((IEnumerable<torch.Tensor?>)[Rows, Scales, Bias]).OfType<torch.Tensor>();
}
