using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>
/// Attention over the sink cache: every query in two rotations, one softmax. Grouped queries are rows of one product per
/// key-value head, so that keys are read once for a group.
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
    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, Batch batch)
    {
        torch.Tensor heads = queryKeyValue.view(batch.Rows, _heads + 2 * _keyValueHeads, _headDim);
        torch.Tensor rotated = heads.narrow(1, 0, _heads + _keyValueHeads).to(torch.ScalarType.Float32);
        torch.Tensor own = batch.ToOwn.Apply(rotated).to(_type);                                // [N, heads + kv_heads, D]
        torch.Tensor toSinks = batch.ToSinks.Apply(rotated.narrow(1, 0, _heads)).to(_type);     // [N, heads, D]
        torch.Tensor keys = own.narrow(1, _heads, _keyValueHeads);                              // [N, kv_heads, D]
        torch.Tensor values = heads.narrow(1, _heads + _keyValueHeads, _keyValueHeads);         // [N, kv_heads, D]
        torch.Tensor windowQueries = Grouped(own.narrow(1, 0, _heads));                         // [kv_heads, groups, N, D]
        torch.Tensor sinkQueries = Grouped(toSinks);                                            // [kv_heads, groups, N, D]

        if (batch.StoredBefore is { } before)
            cache.Store(before, keys, values);
        var attended = new torch.Tensor[batch.Sights.Count];                                    // [T, heads · D] each
        for (int s = 0; s < attended.Length; s++)
            attended[s] = Attend(batch.Sights[s], sinkQueries, windowQueries, keys, values, cache);
        if (batch.StoredAfter is { } after)
            cache.Store(after, keys, values);
        return attended.Length == 1 ? attended[0] : torch.cat(attended, 0);
    }

    public void Dispose() => _noMask.Dispose();

    private torch.Tensor Attend(
        Sight sight, torch.Tensor sinkQueries, torch.Tensor windowQueries, torch.Tensor keys, torch.Tensor values, LayerCache cache)
    {
        torch.Tensor windowKeys = cache.Keys(sight.Slot).narrow(1, sight.FixedPlaces, sight.RingPlaces);    // [kv_heads, ring, D]
        torch.Tensor seenValues = cache.Values(sight.Slot).narrow(1, 0, sight.Places);                      // [kv_heads, places, D]
        if (sight.OwnKeys > 0)
        {
            windowKeys = torch.cat([windowKeys, OwnOf(sight, keys)], 1);                                    // [kv_heads, ring + own, D]
            seenValues = torch.cat([seenValues, OwnOf(sight, values)], 1);                                  // [kv_heads, columns, D]
        }

        torch.Tensor scores = (sight.FixedPlaces > 0, sight.Columns > sight.FixedPlaces) switch             // [kv_heads, groups · T, columns]
        {
            (true, true) => torch.cat([SinkScores(), WindowScores()], 2),
            (true, false) => SinkScores(),
            _ => WindowScores(),
        };
        torch.Tensor weights = scores.softmax(2);
        return torch.bmm(weights, seenValues)                                                               // [kv_heads, groups · T, D]
            .view(_keyValueHeads, -1, sight.Rows, _headDim)
            .permute(2, 0, 1, 3)
            .reshape(sight.Rows, _heads * _headDim);

        torch.Tensor SinkScores() =>
            Scores(RowsOf(sight, sinkQueries), cache.Keys(sight.Slot).narrow(1, 0, sight.FixedPlaces), sight.Mask?.narrow(2, 0, sight.FixedPlaces));

        torch.Tensor WindowScores() =>
            Scores(RowsOf(sight, windowQueries), windowKeys, sight.Mask?.narrow(2, sight.FixedPlaces, sight.Columns - sight.FixedPlaces));
    }

    /// <summary>Scaled and masked products: queries [kv_heads, R, D], keys [kv_heads, n, D] to [kv_heads, R, n].</summary>
    private torch.Tensor Scores(torch.Tensor queries, torch.Tensor keys, torch.Tensor? mask) =>
        queries.baddbmm(keys.transpose(1, 2), mask ?? _noMask, beta: mask is null ? 0 : 1, alpha: _scale); // the factors, then the sum: unlike libtorch

    /// <summary>Query heads of one key-value head beside each other: [N, heads, D] to [kv_heads, groups, N, D].</summary>
    private torch.Tensor Grouped(torch.Tensor queries) =>
        queries.reshape(queries.shape[0], _keyValueHeads, -1, _headDim).permute(1, 2, 0, 3);

    /// <summary>A segment's queries, [kv_heads, groups · T, D].</summary>
    private torch.Tensor RowsOf(Sight sight, torch.Tensor grouped) =>
        grouped.narrow(2, sight.FirstRow, sight.Rows).reshape(_keyValueHeads, -1, _headDim);

    /// <summary>A chunk's own rolling keys or values, [kv_heads, own, D].</summary>
    private static torch.Tensor OwnOf(Sight sight, torch.Tensor rows) =>
        rows.narrow(0, sight.FirstRow + sight.Rows - sight.OwnKeys, sight.OwnKeys).transpose(0, 1);
}
