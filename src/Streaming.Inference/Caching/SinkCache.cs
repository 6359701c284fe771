using TorchSharp;

namespace Streaming.Inference.Caching;

/// <summary>
/// The keys and values of every conversation on a device (StreamingLLM, Xiao et al. 2023), allocated once. The first F places
/// of a slot hold the attention sinks (or the pinned prompt), the others are a ring in which the token at stream position p has
/// place F + (p - F) mod W. Nothing is ever concatenated, shifted or copied.
/// <para>
/// The paper gives positions inside the cache and re-rotates every key at every step. Here no key is rotated twice: RoPE depends
/// on differences only, so a rolling key keeps its stream position and a fixed one its index, and each query is rotated twice
/// instead, to its own stream position for the window and to min(tokens fed before it, F + W - 1) for the sinks.
/// </para>
/// </summary>
internal sealed class SinkCache : IDisposable
{
    private readonly LayerCache[] _layers;

    public SinkCache(int layers, int slots, int keyValueHeads, int capacity, int headDim, torch.ScalarType type, torch.Device device)
    {
        _layers = new LayerCache[layers];
        for (int layer = 0; layer < layers; layer++)
            _layers[layer] = new LayerCache(slots, keyValueHeads, capacity, headDim, type, device);
    }

    /// <summary>One layer's keys and values.</summary>
    public LayerCache this[int layer] => _layers[layer];

    /// <summary>A copy of rows [M] of a slot, as <see cref="LayerCache.Parts"/> names them, on the CPU: of each layer, in turn, its parts, [kv_heads, M, width].</summary>
    public torch.Tensor[] CopyOut(int slot, torch.Tensor rows) => [.. _layers.SelectMany(layer => layer.CopyOut(slot, rows))];

    /// <summary>Fills rows [M] of a slot with what <see cref="CopyOut"/> gave, and zeroes the others.</summary>
    public void CopyIn(int slot, torch.Tensor rows, IReadOnlyList<torch.Tensor> tensors)
    {
        Clear(slot);
        int each = tensors.Count / _layers.Length;
        for (int layer = 0; layer < _layers.Length; layer++)
            _layers[layer].CopyIn(slot, rows, [.. tensors.Skip(layer * each).Take(each)]);
    }

    /// <summary>Zeroes a slot. What an earlier conversation left could be infinite, and infinity times a masked zero is not zero.</summary>
    public void Clear(int slot)
    {
        foreach (LayerCache layer in _layers)
            layer.Clear(slot);
    }

    public void Dispose()
    {
        foreach (LayerCache layer in _layers)
            layer.Dispose();
    }
}

/// <summary>One layer of a <see cref="SinkCache"/>.</summary>
internal sealed class LayerCache : IDisposable
{
    private readonly torch.Tensor _keys;
    private readonly torch.Tensor _values;
    private readonly torch.Tensor _keyRows;
    private readonly torch.Tensor _valueRows;
    private readonly torch.Tensor? _keyScales;
    private readonly torch.Tensor? _valueScales;
    private readonly torch.Tensor[] _slotKeys;
    private readonly torch.Tensor[] _slotValues;

    public LayerCache(int slots, int keyValueHeads, int capacity, int headDim, torch.ScalarType type, torch.Device device)
    {
        bool integers = type == torch.ScalarType.Int8;
        Type = type;
        Places = integers ? IntegerCache.Padded(capacity) : capacity;
        ValueWidth = integers ? IntegerCache.Padded(headDim) : headDim;
        _keys = torch.zeros([slots, keyValueHeads, Places, headDim], type, device).DetachFromDisposeScope();
        _values = torch.zeros([slots, keyValueHeads, Places, ValueWidth], type, device).DetachFromDisposeScope();
        if (integers)
        {
            _keyScales = torch.zeros([slots, keyValueHeads, Places], torch.ScalarType.Float32, device).DetachFromDisposeScope();
            _valueScales = torch.zeros([slots, keyValueHeads, Places], torch.ScalarType.Float32, device).DetachFromDisposeScope();
        }
        int together = integers ? IntegerCache.Multiple : 1;
        Parts = new CacheParts(
            keyValueHeads,
            together,
            [
                (type, together * headDim),
                (type, together * ValueWidth),
                .. integers ? new[] { (torch.ScalarType.Float32, (long)together), (torch.ScalarType.Float32, (long)together) } : [],
            ]
        );
        _keyRows = _keys.view(-1, headDim).DetachFromDisposeScope();
        _valueRows = _values.view(-1, ValueWidth).DetachFromDisposeScope();
        _slotKeys = [.. Enumerable.Range(0, slots).Select(slot => _keys[slot].DetachFromDisposeScope())];
        _slotValues = [.. Enumerable.Range(0, slots).Select(slot => _values[slot].DetachFromDisposeScope())];
    }

    /// <summary>Of keys and values; 8-bit integers are packed as <see cref="IntegerCache"/> says, with a scale for each place.</summary>
    public torch.ScalarType Type { get; }

    /// <summary>C, rounded up for 8-bit integers.</summary>
    public int Places { get; }

    /// <summary>head_dim, rounded up for 8-bit integers.</summary>
    public int ValueWidth { get; }

    /// <summary>How a slot is taken apart for a snapshot.</summary>
    public CacheParts Parts { get; }

    /// <summary>As allocated, scales included.</summary>
    public long Bytes =>
        new[] { _keys, _values, _keyScales, _valueScales }
            .OfType<torch.Tensor>()
            .Sum(tensor => tensor.NumberOfElements * tensor.ElementSize);

    /// <summary>[slots, kv_heads, C], float32; null where keys are not 8-bit integers.</summary>
    public torch.Tensor? AllKeyScales => _keyScales;

    /// <summary>[slots, kv_heads, C], float32; null where values are not 8-bit integers.</summary>
    public torch.Tensor? AllValueScales => _valueScales;

    /// <summary>All keys, [slots, kv_heads, C, head_dim].</summary>
    public torch.Tensor AllKeys => _keys;

    /// <summary>All values, [slots, kv_heads, C, head_dim].</summary>
    public torch.Tensor AllValues => _values;

    /// <summary>Rotated keys in places of consecutive slots, a view [slots · kv_heads, places, head_dim].</summary>
    public torch.Tensor Keys(int slot, int slots, int firstPlace, int places) => View(_slotKeys, _keys, slot, slots, firstPlace, places);

    /// <summary>Values in places of consecutive slots, a view [slots · kv_heads, places, head_dim].</summary>
    public torch.Tensor Values(int slot, int slots, int firstPlace, int places) =>
        View(_slotValues, _values, slot, slots, firstPlace, places);

    /// <summary>Writes rows of a batch to their places.</summary>
    /// <param name="stored">Which rows, and where to.</param>
    /// <param name="keys">Rotated keys of the whole batch, [N, kv_heads, head_dim].</param>
    /// <param name="values">Values of the whole batch, [N, kv_heads, head_dim].</param>
    public void Store(StoredRows stored, torch.Tensor keys, torch.Tensor values)
    {
        if (stored.Rows is { } rows)
        {
            keys = keys.index_select(0, rows);
            values = values.index_select(0, rows);
        }
        long width = keys.shape[^1];
        _keyRows.index_copy_(0, stored.Targets, keys.reshape(-1, width));
        _valueRows.index_copy_(0, stored.Targets, values.reshape(-1, width));
    }

    /// <summary>Zeroes a slot.</summary>
    public void Clear(int slot)
    {
        _slotKeys[slot].zero_();
        _slotValues[slot].zero_();
        _keyScales?[slot].zero_();
        _valueScales?[slot].zero_();
    }

    /// <summary>A copy of rows [M] of a slot's parts, on the CPU, [kv_heads, M, width] each.</summary>
    public IEnumerable<torch.Tensor> CopyOut(int slot, torch.Tensor rows) => PartsOf(slot).Select(part => part.index_select(1, rows).cpu());

    /// <summary>Writes rows [M] of a slot's parts, [kv_heads, M, width] each.</summary>
    public void CopyIn(int slot, torch.Tensor rows, IReadOnlyList<torch.Tensor> parts)
    {
        foreach ((torch.Tensor part, torch.Tensor copy) in PartsOf(slot).Zip(parts))
            part.index_copy_(1, rows, copy.to(part.device));
    }

    /// <summary>A slot's parts, each a view [kv_heads, rows, width].</summary>
    private IEnumerable<torch.Tensor> PartsOf(int slot)
    {
        foreach (torch.Tensor tensor in new[] { _keys, _values, _keyScales, _valueScales }.OfType<torch.Tensor>())
            yield return tensor[slot].view(Parts.KeyValueHeads, Places / Parts.PlacesTogether, -1);
    }

    private static torch.Tensor View(torch.Tensor[] ofSlots, torch.Tensor all, int slot, int slots, int firstPlace, int places) =>
        slots == 1 ? ofSlots[slot].narrow(1, firstPlace, places) : all.narrow(0, slot, slots).flatten(0, 1).narrow(1, firstPlace, places);

    public void Dispose()
    {
        foreach (
            torch.Tensor? tensor in (torch.Tensor?[])
                [.. _slotKeys, .. _slotValues, _keyRows, _valueRows, _keys, _values, _keyScales, _valueScales]
        )
            tensor?.Dispose();
    }
}

/// <summary>Rows of a batch that are written to the cache at once.</summary>
/// <param name="Rows">The batch's rows, [M] int64; null for all of them.</param>
/// <param name="Targets">Rows of the cache seen as [slots · kv_heads · C, head_dim], [M · kv_heads] int64.</param>
internal sealed record StoredRows(torch.Tensor? Rows, torch.Tensor Targets);
