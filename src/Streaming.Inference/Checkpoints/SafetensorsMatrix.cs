using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>A matrix in a safetensors file.</summary>
internal sealed class SafetensorsMatrix(SafetensorsFile file, SafetensorsEntry entry, torch.ScalarType type) : IStoredMatrix
{
    public string Description => SafetensorsWeights.Describe(file, entry);

    public torch.ScalarType Type => type;

    public void Read(long first, Span<byte> rows) => file.Read(entry, first * entry.Shape[1] * entry.Width, rows);

    public void Dispose()
    {
        // the checkpoint owns the file
    }
}
