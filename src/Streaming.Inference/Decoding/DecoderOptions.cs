using Streaming.Inference.Kernels;

namespace Streaming.Inference.Decoding;

/// <summary>The device, arithmetic and size of a decoder.</summary>
public sealed record DecoderOptions
{
    /// <summary>The arithmetic.</summary>
    public DType DType { get; init; } = DType.Auto;

    /// <summary>libtorch's name of the device: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Number of slots: conversations whose tensors are held at a time.</summary>
    public int Slots { get; init; } = 1;

    /// <summary>C, the places of each slot: the maximum of F + W.</summary>
    public int Capacity { get; init; } = 512;

    /// <summary>The kernels.</summary>
    public KernelSet Kernels { get; init; } = KernelSet.Auto;

    /// <summary>
    /// Threads of the managed kernels, including the caller's; at least 1. libtorch's number is set separately, per calling thread.
    /// </summary>
    public int Threads { get; init; } = 1;

    /// <summary>
    /// Whether a conversation gets the same bits regardless of the rest of the batch, of how its input is chunked, and of rebuilds.
    /// For float32, int8 and int4 on the CPU.
    /// </summary>
    public bool Deterministic { get; init; }
}
