using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Snapshots;

/// <summary>A snapshot in main memory.</summary>
/// <param name="header">Its header.</param>
/// <param name="ids">The ids of the layout's places, [F + W]; negative for an empty place.</param>
/// <param name="tensors">
/// For each layer the parts of <see cref="CacheParts"/>: [kv_heads, rows in use, width], contiguous, on the CPU.
/// </param>
internal sealed class SlotSnapshot(SnapshotHeader header, int[] ids, torch.Tensor[] tensors) : ISlotSnapshot
{
    /// <summary>Its header.</summary>
    public SnapshotHeader Header => header;

    /// <summary>The ids of the layout's places, [F + W]; negative for an empty place.</summary>
    public ReadOnlySpan<int> Ids => ids;

    /// <summary>For each layer its parts, [kv_heads, rows in use, width].</summary>
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
