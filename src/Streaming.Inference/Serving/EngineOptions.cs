using Streaming.Inference.Kernels;

namespace Streaming.Inference.Serving;

/// <summary>What an engine is made of.</summary>
public sealed record EngineOptions
{
    /// <summary>The checkpoint's directory.</summary>
    public required string Model { get; init; }

    /// <summary>S.</summary>
    public int Sinks { get; init; } = 4;

    /// <summary>W; null fills the checkpoint's context, at most <see cref="Engine.DefaultPlaces"/> tokens with the sinks.</summary>
    public int? Window { get; init; }

    /// <summary>The arithmetic.</summary>
    public DType DType { get; init; } = DType.Auto;

    /// <summary>cpu, cuda:0, cuda:1, ...</summary>
    public IReadOnlyList<string> Devices { get; init; } = ["cpu"];

    /// <summary>Slots of each device.</summary>
    public int Slots { get; init; } = 1;

    /// <summary>Threads of a CPU device; null leaves one processor to the host.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// The same bits for a conversation whatever else is computed, however its input was chunked, and after any rebuild; for float32
    /// (which <see cref="DType.Auto"/> then stands for) and int8 on the CPU.
    /// </summary>
    public bool Deterministic { get; init; }

    /// <summary>Who computes; the same for every device.</summary>
    public KernelSet Kernels { get; init; } = KernelSet.Auto;
}
