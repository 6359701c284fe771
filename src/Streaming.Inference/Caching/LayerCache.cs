using TorchSharp;

namespace Streaming.Inference.Caching;

/// <summary>A layer of a <see cref="SinkCache"/>.</summary>
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

    /// <summary>
    /// Type of keys and values. For int8, see <see cref="IntegerCache"/>; each place has a scale for its key and its value.
    /// </summary>
    public torch.ScalarType Type { get; }

    /// <summary>C; rounded up for int8.</summary>
    public int Places { get; }

    /// <summary>head_dim; rounded up for int8.</summary>
    public int ValueWidth { get; }

    /// <summary>How a snapshot divides a slot.</summary>
    public CacheParts Parts { get; }

    /// <summary>Allocated bytes, including scales.</summary>
    public long Bytes =>
        new[] { _keys, _values, _keyScales, _valueScales }
            .OfType<torch.Tensor>()
            .Sum(tensor => tensor.NumberOfElements * tensor.ElementSize);

    /// <summary>Scales of keys, [slots, kv_heads, <see cref="Places"/>], float32; null unless keys are int8.</summary>
    public torch.Tensor? AllKeyScales => _keyScales;

    /// <summary>Scales of values, [slots, kv_heads, <see cref="Places"/>], float32; null unless values are int8.</summary>
    public torch.Tensor? AllValueScales => _valueScales;

    /// <summary>All keys, [slots, kv_heads, <see cref="Places"/>, head_dim].</summary>
    public torch.Tensor AllKeys => _keys;

    /// <summary>All values, [slots, kv_heads, <see cref="Places"/>, <see cref="ValueWidth"/>].</summary>
    public torch.Tensor AllValues => _values;

    /// <summary>A view of rotated keys in places of consecutive slots, [slots · kv_heads, places, head_dim].</summary>
    public torch.Tensor Keys(int slot, int slots, int firstPlace, int places) => View(_slotKeys, _keys, slot, slots, firstPlace, places);

    /// <summary>A view of values in places of consecutive slots, [slots · kv_heads, places, head_dim].</summary>
    public torch.Tensor Values(int slot, int slots, int firstPlace, int places) =>
        View(_slotValues, _values, slot, slots, firstPlace, places);

    /// <summary>Writes rows of a batch to their places.</summary>
    /// <param name="stored">The rows and their places.</param>
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

    /// <summary>Copies rows [M] of a slot's parts to the CPU, [kv_heads, M, width] each.</summary>
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
            yield return tensor[slot].view(Parts.KeyValueHeads, Places / Parts.PlacesPerRow, -1);
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
