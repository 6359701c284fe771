using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>
/// Scalars that live as long as the process. TorchSharp (0.107) does not keep a <see cref="Scalar"/> alive during the native call that
/// uses it. If the garbage collector frees a temporary one during the call, the operation fails or computes with garbage; converted
/// literals and default arguments are temporary too. Therefore the engine passes no temporary scalars, and calls no method that
/// creates them (<c>add(Tensor)</c>, <c>square()</c>, arithmetic and comparisons with numbers). Tensors are safe: their dispose scope
/// holds them.
/// </summary>
internal static class TorchScalars
{
    public static readonly Scalar One = 1;
}
