using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>
/// Numbers as libtorch takes them, alive for ever. TorchSharp (0.107) does not keep a <see cref="Scalar"/> alive during the native
/// call that it is passed to: a temporary one, also one that is made by the conversion of a literal or as a default, is
/// freed when the garbage collector comes by in mid-call, and the operation fails or computes with garbage. So the engine passes
/// no temporary scalars, nor calls what makes them inside (<c>add(Tensor)</c>, <c>square()</c>, arithmetic and comparisons with numbers).
/// Tensors are safe: their dispose scope holds them.
/// </summary>
internal static class TorchScalars
{
    public static readonly Scalar One = 1;
}
