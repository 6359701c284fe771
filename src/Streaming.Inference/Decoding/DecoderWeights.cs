using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>One layer's weights, with the projections that read the same rows fused.</summary>
/// <param name="AttentionNorm">[hidden].</param>
/// <param name="QueryKeyValue">[(heads + 2 kv_heads) · head_dim, hidden].</param>
/// <param name="HeadNorm">[heads + kv_heads, head_dim], norms of queries and keys; null for none.</param>
/// <param name="Output">[hidden, heads · head_dim].</param>
/// <param name="FeedForwardNorm">[hidden].</param>
/// <param name="GateUp">[2 · inner, hidden].</param>
/// <param name="Down">[hidden, inner].</param>
internal sealed record LayerWeights(
    torch.Tensor AttentionNorm,
    Weight QueryKeyValue,
    torch.Tensor? HeadNorm,
    Weight Output,
    torch.Tensor FeedForwardNorm,
    Weight GateUp,
    Weight Down
)
{
    public IEnumerable<torch.Tensor> Tensors =>
        [
            AttentionNorm,
            .. QueryKeyValue.Tensors,
            .. HeadNorm is null ? (torch.Tensor[])[] : [HeadNorm],
            .. Output.Tensors,
            FeedForwardNorm,
            .. GateUp.Tensors,
            .. Down.Tensors,
        ];
}

/// <summary>What the model knows.</summary>
/// <param name="Embedding">[vocabulary, hidden].</param>
/// <param name="Layers">One a layer.</param>
/// <param name="Norm">[hidden].</param>
/// <param name="Head">[vocabulary, hidden]; the embedding itself when they are tied and not quantised.</param>
internal sealed record DecoderWeights(torch.Tensor Embedding, IReadOnlyList<LayerWeights> Layers, torch.Tensor Norm, Weight Head)
    : IDisposable
{
    public IEnumerable<torch.Tensor> Tensors =>
        (
            (IEnumerable<torch.Tensor>)[Embedding, .. Layers.SelectMany(layer => layer.Tensors), Norm, .. Head.Tensors]
        ).Distinct<torch.Tensor>(ReferenceEqualityComparer.Instance);

    public void Dispose()
    {
        foreach (torch.Tensor tensor in Tensors)
            tensor.Dispose();
    }
}
