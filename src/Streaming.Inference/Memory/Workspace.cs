using TorchSharp;

namespace Streaming.Inference.Memory;

/// <summary>
/// Reusable memory for an operation's results: a float32 tensor [rows, width] that grows with the batches, and a cached view for each
/// number of rows.
/// </summary>
internal sealed class Workspace(int width) : IDisposable
{
    private readonly List<torch.Tensor?> _views = [];
    private torch.Tensor? _all;

    /// <summary>A view of the first rows, [rows, width].</summary>
    public torch.Tensor Take(int rows)
    {
        if (_all is null || TensorMemory.Length(_all, 0) < rows)
        {
            Dispose();
            int capacity = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(rows, 16));
            _all = torch.empty([capacity, width], torch.ScalarType.Float32).DetachFromDisposeScope();
            _views.AddRange(Enumerable.Repeat<torch.Tensor?>(null, capacity + 1));
        }
        return _views[rows] ??= _all.narrow(0, 0, rows).DetachFromDisposeScope();
    }

    /// <summary>Whether a tensor is one of the views.</summary>
    public bool Owns(torch.Tensor tensor)
    {
        int rows = TensorMemory.Length(tensor, 0);
        return rows < _views.Count && ReferenceEquals(_views[rows], tensor);
    }

    public void Dispose()
    {
        foreach (torch.Tensor? view in _views)
            view?.Dispose();
        _views.Clear();
        _all?.Dispose();
        _all = null;
    }
}
