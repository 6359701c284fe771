using static TorchSharp.torch;

namespace Streaming.Training.Model;

/// <summary>One layer's matrices as they are multiplied with; the norms' weights are in the matrices that follow them.</summary>
/// <param name="QueryKeyValue">[(heads + 2 · kv_heads) · head_dim, hidden].</param>
/// <param name="Output">[hidden, heads · head_dim].</param>
/// <param name="GateUp">[2 · intermediate, hidden].</param>
/// <param name="Down">[hidden, intermediate].</param>
internal sealed record CastLayer(Tensor QueryKeyValue, Tensor Output, Tensor GateUp, Tensor Down);

/// <summary>The weights of one step, in the type of the products, without gradients; many threads may read them.</summary>
/// <param name="Embedding">[vocabulary, hidden], float32.</param>
/// <param name="Head">The same in the type of the products.</param>
/// <param name="Layers">The layers.</param>
/// <param name="Norm">[hidden].</param>
internal sealed record CastWeights(Tensor Embedding, Tensor Head, IReadOnlyList<CastLayer> Layers, Tensor Norm)
{
    /// <summary>The same weights as leaves of one pass's graph.</summary>
    public CastWeights AsLeaves()
    {
        static Tensor Leaf(Tensor value) => value.detach().requires_grad_(true);
        return new CastWeights(
            Leaf(Embedding),
            Head,
            [.. Layers.Select(l => new CastLayer(Leaf(l.QueryKeyValue), Leaf(l.Output), Leaf(l.GateUp), Leaf(l.Down)))],
            Leaf(Norm)
        );
    }

    /// <summary>All that has a gradient: the embedding, the layers' four each, the norm.</summary>
    public IReadOnlyList<Tensor> Trainable =>
        [Embedding, .. Layers.SelectMany(l => (IEnumerable<Tensor>)[l.QueryKeyValue, l.Output, l.GateUp, l.Down]), Norm];
}
