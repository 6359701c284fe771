using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>
/// Scalars that live as long as the process. TorchSharp (0.107) does not keep a <see cref="Scalar"/> alive during the native call that
/// uses it. If the garbage collector frees a temporary one during the call, the operation fails or computes with garbage; converted
/// literals and default arguments are temporary too. Therefore the engine and the trainer pass no temporary scalars, and call no method
/// that creates them (<c>add(Tensor)</c>, <c>square()</c>, arithmetic and comparisons with numbers). Tensors are safe: their dispose scope
/// holds them. A scalar that changes is a field or a local of the code that uses it.
/// </summary>
internal static class TorchScalars
{
    public static readonly Scalar One = 1;
}
