using TorchSharp;

namespace Streaming.Inference.Caching;

/// <summary>
/// The keys and values of all conversations on a device (StreamingLLM, Xiao et al. 2023), allocated once. The first F places of a
/// slot hold the attention sinks (or the pinned prompt). The others are a ring: the token at stream position p has place
/// F + (p - F) mod W. Storing a token writes its place and moves nothing.
/// <para>
/// The paper assigns positions inside the cache and re-rotates all keys at every step. Here each key is rotated once, because RoPE
/// depends on differences of positions only: a rolling key by its stream position, a fixed one by its index. Each query is rotated
/// twice instead: by its stream position for the window, and by min(tokens fed before it, F + W - 1) for the sinks.
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

    /// <summary>The keys and values of a layer.</summary>
    public LayerCache this[int layer] => _layers[layer];

    /// <summary>
    /// Copies rows [M] of a slot to the CPU: for each layer the parts of <see cref="LayerCache.Parts"/>, [kv_heads, M, width].
    /// </summary>
    public torch.Tensor[] CopyOut(int slot, torch.Tensor rows) => [.. _layers.SelectMany(layer => layer.CopyOut(slot, rows))];

    /// <summary>Fills rows [M] of a slot with the tensors of <see cref="CopyOut"/>, and zeroes the others.</summary>
    public void CopyIn(int slot, torch.Tensor rows, IReadOnlyList<torch.Tensor> tensors)
    {
        Clear(slot);
        int each = tensors.Count / _layers.Length;
        for (int layer = 0; layer < _layers.Length; layer++)
            _layers[layer].CopyIn(slot, rows, [.. tensors.Skip(layer * each).Take(each)]);
    }

    /// <summary>
    /// Zeroes a slot. Values of an earlier conversation could be infinite, and infinity times a masked weight of 0 is NaN.
    /// </summary>
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
