using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Kernels;

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
/// <param name="Set">Which set, never <see cref="KernelSet.Auto"/>.</param>
/// <param name="Capacity">C, the places of each slot.</param>
/// <param name="Threads">Threads of the managed kernels, the caller's own included.</param>
/// <param name="Deterministic">Whether the same conversation must give the same bits whatever else is computed.</param>
internal sealed record KernelContext(
    ModelConfig Config,
    DType Type,
    torch.Device Device,
    KernelSet Set,
    int Capacity,
    int Threads = 1,
    bool Deterministic = false
);

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
}
