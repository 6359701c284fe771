using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>The weights of a layer; projections of the same rows are fused.</summary>
/// <param name="AttentionNorm">[hidden].</param>
/// <param name="QueryKeyValue">[(heads + 2 kv_heads) · head_dim, hidden].</param>
/// <param name="KeyValueBias">Biases of keys and values that <paramref name="QueryKeyValue"/> lacks; null for none.</param>
/// <param name="HeadNorm">Norms of queries and keys, [heads + kv_heads, head_dim]; null for none.</param>
/// <param name="Output">[hidden, heads · head_dim].</param>
/// <param name="FeedForwardNorm">[hidden].</param>
/// <param name="GateUp">[2 · inner, hidden].</param>
/// <param name="Down">[hidden, inner].</param>
internal sealed record LayerWeights(
    torch.Tensor AttentionNorm,
    Weight QueryKeyValue,
    KeyValueBias? KeyValueBias,
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
            .. KeyValueBias?.Tensors ?? [],
            .. HeadNorm is null ? (torch.Tensor[])[] : [HeadNorm],
            .. Output.Tensors,
            FeedForwardNorm,
            .. GateUp.Tensors,
            .. Down.Tensors,
        ];
}

/// <summary>The weights of a model.</summary>
/// <param name="Embedding">[vocabulary, hidden].</param>
/// <param name="Layers">The layers, in order.</param>
/// <param name="Norm">[hidden].</param>
/// <param name="Head">[vocabulary, hidden]; the embedding itself if they are tied and not quantised.</param>
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
