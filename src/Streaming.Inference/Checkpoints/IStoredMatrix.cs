using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>A stored matrix whose rows are read on demand. Thread-safe.</summary>
internal interface IStoredMatrix : IDisposable
{
    /// <summary>Which tensor of which file it is, as the beginning of a sentence.</summary>
    string Description { get; }

    /// <summary>The stored type: float32, bfloat16 or float16.</summary>
    torch.ScalarType Type { get; }

    /// <summary>Reads whole rows, [.., columns] of <see cref="Type"/>.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Memory for the rows' bytes.</param>
    /// <exception cref="InputException">They cannot be read.</exception>
    void Read(long first, Span<byte> rows);
}
