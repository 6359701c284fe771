using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>
/// The operations of the forward pass. A step begins with <see cref="BeginStep"/>; the operations after it are for its batch.
/// A result may be a view of a workspace, which the next call of the same operation overwrites: read it, do not keep it.
/// </summary>
internal unsafe interface IKernels : IDisposable
{
    /// <summary>The type of keys and values in the cache.</summary>
    torch.ScalarType CacheType { get; }

    /// <summary>
    /// Copies rows of a quantised weight into the order in which <see cref="Project"/> reads them, once at load. Thread-safe.
    /// </summary>
    /// <param name="rows">Quantised rows, [count, width]; for 4 bits, zeros fill the width up.</param>
    /// <param name="count">Number of rows: a multiple of four, except for a weight's last ones.</param>
    /// <param name="width">Elements of a row.</param>
    /// <param name="nibbles">Whether two elements share a byte.</param>
    /// <param name="packed">Their memory in the weight, [count, width] or [count, width / 2].</param>
    void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed);

    /// <summary>Takes the batch of N tokens that all operations until the next step are for, and prepares what its layers share.</summary>
    void BeginStep(Batch batch);

    /// <summary>The step's residual stream [N, hidden]: rows of the embedding [vocabulary, hidden] for the batch's ids.</summary>
    torch.Tensor Embed(torch.Tensor embedding);

    /// <summary>Root-mean-square norm of rows [N, hidden] with a weight [hidden].</summary>
    torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight);

    /// <summary>Product of rows [N, in] and a weight [out, in], plus its bias if any: [N, out].</summary>
    torch.Tensor Project(torch.Tensor rows, Weight weight);

    /// <summary>Adds the product of rows [N, in] and a weight [hidden, in] to the residual stream [N, hidden].</summary>
    void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight);

    /// <summary>
    /// Root-mean-square norm of each head's query and key, in place: fused projections [N, (heads + 2 kv_heads) · head_dim] with
    /// weights [heads + kv_heads, head_dim].
    /// </summary>
    void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights);

    /// <summary>
    /// Rotates queries and keys, stores keys and values in their places, and attends: fused projections
    /// [N, (heads + 2 kv_heads) · head_dim] to [N, heads · head_dim].
    /// </summary>
    /// <param name="queryKeyValue">The projections.</param>
    /// <param name="cache">The layer's cache.</param>
    /// <param name="bias">Biases of keys and values that the projections lack; null for none, and always unless the cache is int8.</param>
    torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, KeyValueBias? bias);

    /// <summary>SwiGLU's gate (Shazeer 2020), silu(gate) · up: [N, 2 · inner] to [N, inner].</summary>
    torch.Tensor Gate(torch.Tensor gateUp);

    /// <summary>The rows of the residual stream [N, hidden] that give logits: [M, hidden].</summary>
    torch.Tensor SelectLogitRows(torch.Tensor residual);

    /// <summary>Logits of normalised rows [M, hidden]: [M, vocabulary], float32.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="head">The head.</param>
    /// <param name="results">Memory that may be used for the logits, [M, vocabulary], float32, on the CPU; null for a new tensor.</param>
    /// <returns><paramref name="results"/> or a new tensor.</returns>
    torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results);
}
