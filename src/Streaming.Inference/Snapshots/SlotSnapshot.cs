using Streaming.Inference.Decoding;
using TorchSharp;

namespace Streaming.Inference.Snapshots;

/// <summary>A snapshot in the computer's memory: of the places in use, in their order, every layer's keys and values.</summary>
/// <param name="header">What it is.</param>
/// <param name="ids">The ids of the layout's places, [F + W]; negative where none is.</param>
/// <param name="keys">Of each layer, [kv_heads, occupied, head_dim], contiguous, on the CPU.</param>
/// <param name="values">Of each layer, [kv_heads, occupied, head_dim], contiguous, on the CPU.</param>
internal sealed class SlotSnapshot(SnapshotHeader header, int[] ids, torch.Tensor[] keys, torch.Tensor[] values) : ISlotSnapshot
{
    /// <summary>What it is.</summary>
    public SnapshotHeader Header => header;

    /// <summary>The ids of the layout's places, [F + W]; negative where none is.</summary>
    public ReadOnlySpan<int> Ids => ids;

    /// <summary>Each layer's keys, [kv_heads, occupied, head_dim].</summary>
    public IReadOnlyList<torch.Tensor> Keys => keys;

    /// <summary>Each layer's values, [kv_heads, occupied, head_dim].</summary>
    public IReadOnlyList<torch.Tensor> Values => values;

    /// <inheritdoc/>
    public int Branch => header.Branch;

    /// <inheritdoc/>
    public long Position => header.Position;

    /// <inheritdoc/>
    public CacheLayout Layout => header.Layout;

    /// <inheritdoc/>
    public StreamHash Hash => new(header.StreamHash);

    /// <inheritdoc/>
    public long Length => SnapshotFormat.LengthOf(header);

    /// <summary>Places in use, ascending.</summary>
    public long[] Places() => PlacesOf(ids);

    /// <summary>Places that have an id, ascending.</summary>
    public static long[] PlacesOf(ReadOnlySpan<int> ids)
    {
        var places = new List<long>(ids.Length);
        for (int place = 0; place < ids.Length; place++)
        {
            if (ids[place] >= 0)
                places.Add(place);
        }
        return [.. places];
    }

    /// <inheritdoc/>
    public Task WriteAsync(Stream to, CancellationToken cancellation = default) => SnapshotFormat.WriteAsync(this, to, cancellation);

    /// <summary>Releases its memory.</summary>
    public void Dispose()
    {
        foreach (torch.Tensor tensor in (torch.Tensor[])[.. keys, .. values])
            tensor.Dispose();
    }
}
