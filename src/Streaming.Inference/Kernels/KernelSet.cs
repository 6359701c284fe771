using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>An implementation of a decoder's operations.</summary>
public enum KernelSet
{
    /// <summary>On the CPU the widest managed set that the processor supports; on other devices libtorch.</summary>
    Auto,

    /// <summary>libtorch, on any device.</summary>
    Libtorch,

    /// <summary>Managed kernels with vectors of 512 bits (AVX-512 BW).</summary>
    Avx512,

    /// <summary>Managed kernels with vectors of 256 bits (AVX2 and FMA).</summary>
    Avx2,

    /// <summary>Managed kernels with vectors of 128 bits, for any processor.</summary>
    Portable,
}

/// <summary>The parameters of a kernel set.</summary>
/// <param name="Config">The model.</param>
/// <param name="Type">The arithmetic, never <see cref="DType.Auto"/>.</param>
/// <param name="Device">The device of the tensors.</param>
/// <param name="Set">The set, never <see cref="KernelSet.Auto"/>.</param>
/// <param name="Capacity">C, the places of each slot.</param>
/// <param name="Threads">Threads of the managed kernels, the caller's own included.</param>
/// <param name="Deterministic">Whether a conversation must get the same bits regardless of other conversations.</param>
internal sealed record KernelContext(
    ModelConfig Config,
    DType Type,
    torch.Device Device,
    KernelSet Set,
    int Capacity,
    int Threads = 1,
    bool Deterministic = false
);

/// <summary>Which kernel sets the processor supports.</summary>
internal static class KernelSets
{
    /// <summary>Increase it when a change of any kernel changes bits of its results: older snapshots are refused then.</summary>
    public const int Version = 2;

    /// <summary>Whether this processor supports a set's instructions.</summary>
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

    /// <summary>Resolves <see cref="KernelSet.Auto"/> for a device.</summary>
    public static KernelSet Resolve(KernelSet set, DeviceType device) =>
        set switch
        {
            not KernelSet.Auto => set,
            _ when device != DeviceType.CPU => KernelSet.Libtorch,
            _ when IsSupported(KernelSet.Avx512) => KernelSet.Avx512,
            _ when IsSupported(KernelSet.Avx2) => KernelSet.Avx2,
            _ => KernelSet.Portable,
        };
}
