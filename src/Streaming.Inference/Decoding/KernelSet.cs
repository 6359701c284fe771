using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding.Managed;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>Who computes a decoder's operations.</summary>
public enum KernelSet
{
    /// <summary>On the CPU the widest managed set that the processor has; elsewhere libtorch.</summary>
    Auto,

    /// <summary>libtorch, on any device.</summary>
    Libtorch,

    /// <summary>Managed kernels with vectors of 512 bits (AVX-512 BW).</summary>
    Avx512,

    /// <summary>Managed kernels with vectors of 256 bits (AVX2 and FMA).</summary>
    Avx2,

    /// <summary>Managed kernels with vectors of 128 bits, of whatever processor.</summary>
    Portable,
}

/// <summary>What a set of kernels is made for.</summary>
/// <param name="Config">The model.</param>
/// <param name="Type">The arithmetic, never <see cref="DType.Auto"/>.</param>
/// <param name="Device">Of the tensors.</param>
/// <param name="Options">The decoder's.</param>
internal sealed record KernelContext(ModelConfig Config, DType Type, torch.Device Device, DecoderOptions Options);

/// <summary>Chooses among the kernel sets, once at start.</summary>
internal static class KernelSets
{
    /// <summary>Goes up when a change of any kernels changes bits of what they compute: snapshots taken before do not go on after.</summary>
    public const int Version = 1;

    /// <summary>Whether this processor has a set's instructions.</summary>
    public static bool IsSupported(KernelSet set) =>
        set switch
        {
            KernelSet.Avx512 => Vector512.IsHardwareAccelerated
                && Avx512BW.IsSupported
                && Avx512DQ.IsSupported
                && IsSupported(KernelSet.Avx2),
            KernelSet.Avx2 => Avx2.IsSupported && Fma.IsSupported,
            _ => true,
        };

    /// <summary>The set that <see cref="KernelSet.Auto"/> stands for; the others stand for themselves.</summary>
    public static KernelSet Resolve(KernelSet set, DeviceType device) =>
        set switch
        {
            not KernelSet.Auto => set,
            _ when device != DeviceType.CPU => KernelSet.Libtorch,
            _ when IsSupported(KernelSet.Avx512) => KernelSet.Avx512,
            _ when IsSupported(KernelSet.Avx2) => KernelSet.Avx2,
            _ => KernelSet.Portable,
        };

    /// <summary>The kernels that a decoder's options ask for.</summary>
    /// <exception cref="InputException">The processor or the device does not have them, or they are not deterministic.</exception>
    public static IKernels Create(KernelContext context)
    {
        KernelSet set = Resolve(context.Options.Kernels, context.Device.type);
        if (context.Options.Threads < 1)
            throw new InputException($"{context.Options.Threads} is no number of threads: use at least 1.");
        if (!IsSupported(set))
            throw new InputException($"This processor does not have the instructions of the kernels {set}: choose {KernelSet.Auto}.");
        if (set == KernelSet.Libtorch)
        {
            if (context.Type == DType.Int4)
                throw new InputException(
                    "libtorch's kernels do not have the type int4: leave the choice of kernels to the engine, or choose int8."
                );
            return !context.Options.Deterministic
                ? new TorchKernels(context)
                : throw new InputException(
                    "libtorch's kernels are not deterministic: leave the choice of kernels to the engine, or switch deterministic mode off."
                );
        }
        if (context.Device.type != DeviceType.CPU)
            throw new InputException(
                $"The kernels {set} are for the CPU only, and the device is {context.Device}: choose {KernelSet.Auto}."
            );
        if (context.Type == DType.Int4)
            DTypes.CheckWidths(context.Type, context.Config, NibbleProduct.WidthMultiple);
        var managed = new ManagedKernels(context, VectorKernels.Of(set));
        return context.Type == DType.BFloat16 ? new PrefillDecodeKernels(managed, new TorchKernels(context)) : managed;
    }
}
