using Streaming.Inference.Memory;
using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>A matrix in memory, [rows, columns], on the CPU. It owns the tensor.</summary>
internal sealed unsafe class TensorMatrix : IStoredMatrix
{
    private readonly torch.Tensor _tensor;
    private readonly byte* _numbers;
    private readonly long _rowBytes;

    public TensorMatrix(torch.Tensor tensor, string description = "A matrix")
    {
        Description = description;
        _tensor = tensor.contiguous();
        if (!ReferenceEquals(_tensor, tensor))
            tensor.Dispose();
        _numbers = (byte*)TensorMemory.AddressOf(_tensor);
        _rowBytes = _tensor.shape[1] * _tensor.element_size();
        Type = _tensor.dtype;
    }

    public string Description { get; }

    public torch.ScalarType Type { get; }

    public void Read(long first, Span<byte> rows) => new ReadOnlySpan<byte>(_numbers + first * _rowBytes, rows.Length).CopyTo(rows);

    public void Dispose() => _tensor.Dispose();
}
