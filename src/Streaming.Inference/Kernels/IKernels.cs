using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>
/// The operations that the forward pass is made of. libtorch has them all; other sets work on the same tensors'
/// memory. An implementation keeps no state between calls but workspaces: a result may be a view of one, valid until the same
/// operation is called again, and is read, never kept, by the caller.
/// </summary>
internal unsafe interface IKernels : IDisposable
{
    /// <summary>Of the keys and values that these kernels store and read.</summary>
    torch.ScalarType CacheType { get; }

    /// <summary>Brings rows of a quantised weight, once at load, to the order in memory in which <see cref="Project"/> reads them. Several threads may do so at once.</summary>
    /// <param name="rows">Quantised, [count, width].</param>
    /// <param name="count">Rows: a multiple of four, except for a weight's last ones.</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="nibbles">Whether two numbers are to share a byte.</param>
    /// <param name="packed">Where these rows lie in the weight, [count, width], or [count, width / 2].</param>
    void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed);

    /// <summary>Begins a step: rows of the embedding [vocabulary, hidden] for the batch's ids, its residual stream [N, hidden].</summary>
    torch.Tensor Embed(torch.Tensor embedding, Batch batch);

    /// <summary>Root-mean-square norm of rows [N, hidden] with a weight [hidden].</summary>
    torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight);

    /// <summary>Product of rows [N, in] with a weight [out, in], plus its bias if it has one: [N, out].</summary>
    torch.Tensor Project(torch.Tensor rows, Weight weight);

    /// <summary>Adds the product of rows [N, in] with a weight [hidden, in] to the residual stream [N, hidden].</summary>
    void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight);

    /// <summary>
    /// Root-mean-square norm of each head's queries and keys, in place: fused projections [N, (heads + 2 kv_heads) · head_dim]
    /// with weights [heads + kv_heads, head_dim].
    /// </summary>
    void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights);

    /// <summary>
    /// Rotates queries and keys, writes keys and values to their places and attends: fused projections
    /// [N, (heads + 2 kv_heads) · head_dim] to [N, heads · head_dim].
    /// </summary>
    torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, Batch batch);

    /// <summary>SwiGLU's gate (Shazeer 2020), silu(gate) · up: [N, 2 · inner] to [N, inner].</summary>
    torch.Tensor Gate(torch.Tensor gateUp);

    /// <summary>Those rows of the residual stream [N, hidden] that give logits: [M, hidden].</summary>
    torch.Tensor SelectLogitRows(torch.Tensor residual, Batch batch);

    /// <summary>Logits of normalised rows [M, hidden]: [M, vocabulary], float32.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="head">The head.</param>
    /// <param name="results">Where they may be written, [M, vocabulary], float32, in the computer's memory; null for a tensor of their own.</param>
    /// <returns><paramref name="results"/>, or a tensor of their own.</returns>
    torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results);
}
