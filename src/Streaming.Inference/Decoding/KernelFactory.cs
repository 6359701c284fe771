using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.LibTorch;
using Streaming.Inference.Kernels.Managed;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>Creates a decoder's kernels.</summary>
internal static class KernelFactory
{
    /// <summary>Creates the kernels that a decoder's options ask for.</summary>
    /// <exception cref="InputException">The processor or the device does not support them, or they are not deterministic.</exception>
    public static IKernels Create(KernelContext context)
    {
        KernelSet set = context.Set;
        if (context.Threads < 1)
            throw new InputException($"{context.Threads} is no number of threads: use 1 or more.");
        if (!KernelSets.IsSupported(set))
            throw new InputException($"This processor does not support the kernels {set}: choose {KernelSet.Auto}.");
        if (set == KernelSet.Libtorch)
        {
            if (context.Type == DType.Int4)
                throw new InputException(
                    $"libtorch's kernels do not support the type int4: choose the kernels {KernelSet.Auto}, or the type int8."
                );
            return !context.Deterministic
                ? new TorchKernels(context)
                : throw new InputException(
                    $"libtorch's kernels are not deterministic: choose the kernels {KernelSet.Auto}, or switch deterministic mode off."
                );
        }
        if (context.Device.type != DeviceType.CPU)
            throw new InputException(
                $"The kernels {set} are for the CPU only, and the device is {context.Device}: choose {KernelSet.Auto}."
            );
        var managed = new ManagedKernels(context, VectorKernels.Of(set));
        return context.Type == DType.BFloat16 ? new PrefillDecodeKernels(managed, new TorchKernels(context)) : managed;
    }
}
