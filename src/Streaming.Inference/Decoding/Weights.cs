using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>A matrix that rows are multiplied with.</summary>
/// <param name="Rows">[out, in]; int8 when there are scales.</param>
/// <param name="Scales">[out], bfloat16; null for a matrix that is not quantised.</param>
internal sealed record Weight(torch.Tensor Rows, torch.Tensor? Scales)
{
    public IEnumerable<torch.Tensor> Tensors => Scales is null ? [Rows] : [Rows, Scales];
}

/// <summary>One layer's weights, with the projections that read the same rows fused.</summary>
/// <param name="AttentionNorm">[hidden].</param>
/// <param name="QueryKeyValue">[(heads + 2 kv_heads) · head_dim, hidden].</param>
/// <param name="Output">[hidden, heads · head_dim].</param>
/// <param name="FeedForwardNorm">[hidden].</param>
/// <param name="GateUp">[2 · inner, hidden].</param>
/// <param name="Down">[hidden, inner].</param>
internal sealed record LayerWeights(
    torch.Tensor AttentionNorm,
    Weight QueryKeyValue,
    Weight Output,
    torch.Tensor FeedForwardNorm,
    Weight GateUp,
    Weight Down)
{
    public IEnumerable<torch.Tensor> Tensors =>
        [AttentionNorm, .. QueryKeyValue.Tensors, .. Output.Tensors, FeedForwardNorm, .. GateUp.Tensors, .. Down.Tensors];
}

/// <summary>What the model knows.</summary>
/// <param name="Embedding">[vocabulary, hidden].</param>
/// <param name="Layers">One a layer.</param>
/// <param name="Norm">[hidden].</param>
/// <param name="Head">[vocabulary, hidden]; the embedding itself when they are tied and not quantised.</param>
internal sealed record DecoderWeights(
    torch.Tensor Embedding,
    IReadOnlyList<LayerWeights> Layers,
    torch.Tensor Norm,
    Weight Head) : IDisposable
{
    public IEnumerable<torch.Tensor> Tensors =>
        ((IEnumerable<torch.Tensor>)[Embedding, .. Layers.SelectMany(layer => layer.Tensors), Norm, .. Head.Tensors])
        .Distinct<torch.Tensor>(ReferenceEqualityComparer.Instance);

    public void Dispose()
    {
        foreach (torch.Tensor tensor in Tensors)
            tensor.Dispose();
    }
}
