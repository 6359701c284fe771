using Streaming.Inference.Kernels;

namespace Streaming.Inference.Serving;

/// <summary>Which checkpoint an engine loads, on which devices, and how it computes.</summary>
public sealed record EngineOptions
{
    /// <summary>The checkpoint's directory.</summary>
    public required string Model { get; init; }

    /// <summary>S, first tokens that are never evicted.</summary>
    public int Sinks { get; init; } = 4;

    /// <summary>
    /// W, recent tokens in attention; null fills the checkpoint's context, at most <see cref="Engine.DefaultPlaces"/> tokens with
    /// the sinks.
    /// </summary>
    public int? Window { get; init; }

    /// <summary>The arithmetic, the same on every device.</summary>
    public DType DType { get; init; } = DType.Auto;

    /// <summary>libtorch's names of the devices: cpu, cuda:0, cuda:1, ...</summary>
    public IReadOnlyList<string> Devices { get; init; } = ["cpu"];

    /// <summary>Slots of each device.</summary>
    public int Slots { get; init; } = 1;

    /// <summary>Threads of a CPU device; null leaves one processor to the host.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Whether a conversation gets the same bits regardless of other conversations, of how its input is chunked, and of rebuilds.
    /// For float32 (the meaning of <see cref="DType.Auto"/> then), int8 and int4 on the CPU.
    /// </summary>
    public bool Deterministic { get; init; }

    /// <summary>The kernels, the same on every device.</summary>
    public KernelSet Kernels { get; init; } = KernelSet.Auto;
}
