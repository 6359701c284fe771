using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>A matrix where it is stored, whose rows are read when they are needed; several threads may do so at once.</summary>
internal interface IStoredMatrix : IDisposable
{
    /// <summary>float32, bfloat16 or float16.</summary>
    torch.ScalarType Type { get; }

    /// <summary>Fills a span with whole rows, [.., columns] of <see cref="Type"/>.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">As many bytes as the rows have.</param>
    /// <exception cref="InputException">They cannot be read.</exception>
    void Read(long first, Span<byte> rows);
}
