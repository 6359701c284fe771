using static TorchSharp.torch;

namespace Streaming.Training.Model;

/// <summary>One layer's matrices in the compute type. Each norm's weight is multiplied into the matrix that follows it.</summary>
/// <param name="QueryKeyValue">[(heads + 2 · kv_heads) · head_dim, hidden].</param>
/// <param name="Output">[hidden, heads · head_dim].</param>
/// <param name="GateUp">[2 · intermediate, hidden].</param>
/// <param name="Down">[hidden, intermediate].</param>
internal sealed record CastLayer(Tensor QueryKeyValue, Tensor Output, Tensor GateUp, Tensor Down);

/// <summary>The weights of one step in the compute type, without gradients. Many threads may read them.</summary>
/// <param name="Embedding">[vocabulary, hidden], float32.</param>
/// <param name="Head">[vocabulary, hidden], the embedding in the compute type.</param>
/// <param name="Layers">The layers.</param>
/// <param name="Norm">[hidden].</param>
internal sealed record CastWeights(Tensor Embedding, Tensor Head, IReadOnlyList<CastLayer> Layers, Tensor Norm)
{
    /// <summary>The same weights as leaves of the autograd graph of one pass.</summary>
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

    /// <summary>The tensors with a gradient: the embedding, four matrices for each layer, the norm.</summary>
    public IReadOnlyList<Tensor> Trainable =>
        [Embedding, .. Layers.SelectMany(l => (IEnumerable<Tensor>)[l.QueryKeyValue, l.Output, l.GateUp, l.Down]), Norm];
}
