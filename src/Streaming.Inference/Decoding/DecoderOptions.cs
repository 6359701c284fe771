using Streaming.Inference.Kernels;

namespace Streaming.Inference.Decoding;

/// <summary>Where and how a decoder computes, and for how many conversations.</summary>
public sealed record DecoderOptions
{
    /// <summary>The arithmetic.</summary>
    public DType DType { get; init; } = DType.Auto;

    /// <summary>libtorch's name of the device: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Conversations whose tensors are held at a time.</summary>
    public int Slots { get; init; } = 1;

    /// <summary>C, the places of each slot: the most that sinks (or a pinned prompt) and window may have together.</summary>
    public int Capacity { get; init; } = 512;

    /// <summary>Who computes.</summary>
    public KernelSet Kernels { get; init; } = KernelSet.Auto;

    /// <summary>Threads of the managed kernels, the caller's own included; at least 1. libtorch's number belongs to the thread that sets it.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>
    /// The same bits for a conversation whatever else is in the batch, however its input was chunked, and after any rebuild; for
    /// float32 and int8 on the CPU.
    /// </summary>
    public bool Deterministic { get; init; }
}
