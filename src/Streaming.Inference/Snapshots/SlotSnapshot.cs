using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Snapshots;

/// <summary>A snapshot in the computer's memory.</summary>
/// <param name="header">What it is.</param>
/// <param name="ids">The ids of the layout's places, [F + W]; negative where none is.</param>
/// <param name="tensors">
/// Of each layer, in turn, the parts that <see cref="CacheParts"/> names: [kv_heads, rows in use, width], contiguous, on the CPU.
/// </param>
internal sealed class SlotSnapshot(SnapshotHeader header, int[] ids, torch.Tensor[] tensors) : ISlotSnapshot
{
    /// <summary>What it is.</summary>
    public SnapshotHeader Header => header;

    /// <summary>The ids of the layout's places, [F + W]; negative where none is.</summary>
    public ReadOnlySpan<int> Ids => ids;

    /// <summary>Of each layer, in turn, its parts, [kv_heads, rows in use, width].</summary>
    public IReadOnlyList<torch.Tensor> Tensors => tensors;

    /// <inheritdoc/>
    public int Branch => header.Branch;

    /// <inheritdoc/>
    public long Position => header.Position;

    /// <inheritdoc/>
    public CacheLayout Layout => header.Layout;

    /// <inheritdoc/>
    public StreamHash Hash => new(header.StreamHash);

    /// <inheritdoc/>
    public long Length { get; } = SnapshotFormat.LengthOf(header, tensors);

    /// <inheritdoc/>
    public Task WriteAsync(Stream to, CancellationToken cancellation = default) => SnapshotFormat.WriteAsync(this, to, cancellation);

    /// <summary>Releases its memory.</summary>
    public void Dispose()
    {
        foreach (torch.Tensor tensor in tensors)
            tensor.Dispose();
    }
}
