using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>
/// Attention over the sink cache: two rotations of every query, one softmax. The queries of a group are rows of one product per
/// key-value head, so that keys are read once per group.
/// </summary>
internal sealed class TorchAttention : IDisposable
{
    private readonly int _heads;
    private readonly int _keyValueHeads;
    private readonly int _headDim;
    private readonly float _scale;
    private readonly torch.ScalarType _type;
    private readonly torch.Tensor _noMask;

    public TorchAttention(ModelConfig config, torch.ScalarType type, torch.Device device)
    {
        _heads = config.Heads;
        _keyValueHeads = config.KeyValueHeads;
        _headDim = config.HeadDim;
        _scale = (float)(1 / Math.Sqrt(config.HeadDim));
        _type = type;
        _noMask = torch.zeros([1, 1, 1], type, device).DetachFromDisposeScope();
    }

    /// <summary>Fused projections [N, (heads + 2 kv_heads) · D] to attended values [N, heads · D].</summary>
    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, TorchBatch batch)
    {
        torch.Tensor heads = queryKeyValue.view(batch.Rows, _heads + 2 * _keyValueHeads, _headDim);
        torch.Tensor rotated = heads.narrow(1, 0, _heads + _keyValueHeads).to(torch.ScalarType.Float32);
        torch.Tensor own = batch.ToOwn.Apply(rotated).to(_type); // [N, heads + kv_heads, D]
        torch.Tensor toSinks = batch.ToSinks.Apply(rotated.narrow(1, 0, _heads)).to(_type); // [N, heads, D]
        torch.Tensor keys = own.narrow(1, _heads, _keyValueHeads); // [N, kv_heads, D]
        torch.Tensor values = heads.narrow(1, _heads + _keyValueHeads, _keyValueHeads); // [N, kv_heads, D]
        torch.Tensor toWindow = own.narrow(1, 0, _heads); // [N, heads, D]

        if (batch.StoredBefore is { } before)
            cache.Store(before, keys, values);
        var attended = new torch.Tensor[batch.Views.Count]; // [T, heads · D] each
        for (int s = 0; s < attended.Length; s++)
            attended[s] = Attend(batch.Views[s], toSinks, toWindow, keys, values, cache);
        if (batch.StoredAfter is { } after)
            cache.Store(after, keys, values);
        return attended.Length == 1 ? attended[0] : torch.cat(attended, 0);
    }

    public void Dispose() => _noMask.Dispose();

    /// <summary>
    /// Attended values of a view's rows, [T, heads · D]. B is slots · kv_heads; R is groups · T / slots, the rows of a product.
    /// </summary>
    private torch.Tensor Attend(
        AttentionView view,
        torch.Tensor toSinks,
        torch.Tensor toWindow,
        torch.Tensor keys,
        torch.Tensor values,
        LayerCache cache
    )
    {
        torch.Tensor windowKeys = cache.Keys(view.Slot, view.Slots, view.FixedPlaces, view.RingPlaces); // [B, ring, D]
        torch.Tensor seenValues = cache.Values(view.Slot, view.Slots, 0, view.Places); // [B, places, D]
        if (view.OwnKeys > 0)
        {
            windowKeys = torch.cat([windowKeys, OwnOf(view, keys)], 1); // [B, ring + own, D]
            seenValues = torch.cat([seenValues, OwnOf(view, values)], 1); // [B, columns, D]
        }

        torch.Tensor scores = (view.FixedPlaces > 0, view.Columns > view.FixedPlaces) switch // [B, R, columns]
        {
            (true, true) => torch.cat([SinkScores(), WindowScores()], 2),
            (true, false) => SinkScores(),
            _ => WindowScores(),
        };
        return Ungrouped(view, torch.bmm(scores.softmax(2), seenValues));

        torch.Tensor SinkScores() =>
            Scores(
                Grouped(view, toSinks),
                cache.Keys(view.Slot, view.Slots, 0, view.FixedPlaces),
                view.Mask?.narrow(2, 0, view.FixedPlaces)
            );

        torch.Tensor WindowScores() =>
            Scores(Grouped(view, toWindow), windowKeys, view.Mask?.narrow(2, view.FixedPlaces, view.Columns - view.FixedPlaces));
    }

    /// <summary>Scaled and masked scores of queries [B, R, D] and keys [B, n, D]: [B, R, n].</summary>
    private torch.Tensor Scores(torch.Tensor queries, torch.Tensor keys, torch.Tensor? mask) =>
        // Unlike libtorch, TorchSharp takes the factors first and the summand last.
        queries.baddbmm(keys.transpose(1, 2), mask ?? _noMask, beta: mask is null ? 0 : 1, alpha: _scale);

    /// <summary>A view's queries of [N, heads, D], grouped by key-value head: [B, R, D].</summary>
    private torch.Tensor Grouped(AttentionView view, torch.Tensor queries)
    {
        torch.Tensor rows = queries.narrow(0, view.FirstRow, view.Rows);
        return view.Rows == view.Slots
            ? rows.reshape(view.Slots * _keyValueHeads, -1, _headDim)
            : rows.reshape(view.Rows, _keyValueHeads, -1, _headDim).permute(1, 2, 0, 3).reshape(_keyValueHeads, -1, _headDim);
    }

    /// <summary>Reverses <see cref="Grouped"/>: [B, R, D] to [T, heads · D].</summary>
    private torch.Tensor Ungrouped(AttentionView view, torch.Tensor attended) =>
        view.Rows == view.Slots
            ? attended.view(view.Rows, _heads * _headDim)
            : attended.view(_keyValueHeads, -1, view.Rows, _headDim).permute(2, 0, 1, 3).reshape(view.Rows, _heads * _headDim);

    /// <summary>A chunk's own rolling keys or values, [kv_heads, own, D].</summary>
    private static torch.Tensor OwnOf(AttentionView view, torch.Tensor rows) =>
        rows.narrow(0, view.FirstRow + view.Rows - view.OwnKeys, view.OwnKeys).transpose(0, 1);
}
