using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>
/// Two sets of kernels over the same weights and cache, of which one computes a whole step: libtorch those with a long input, as it has the
/// processor's own bfloat16 products, and the other one those of replies.
/// </summary>
internal sealed class PrefillDecodeKernels(IKernels forReplies, IKernels forLongInputs) : IKernels
{
    /// <summary>Tokens from which on an input is long: there libtorch was faster in bfloat16 (bench/Streaming.Bench.Peers/NOTES.md), at 16 it was not.</summary>
    private const int LongInput = 32;

    private IKernels? _chosen; // the step's

    private IKernels Step => _chosen ?? forReplies;

    public torch.ScalarType CacheType => forReplies.CacheType;

    public unsafe void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed) =>
        forReplies.Pack(rows, count, width, nibbles, packed);

    public torch.Tensor Embed(torch.Tensor embedding, Batch batch)
    {
        _chosen = batch.LongestSegment >= LongInput ? forLongInputs : forReplies;
        return _chosen.Embed(embedding, batch);
    }

    public torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight) => Step.Normalise(rows, weight);

    public torch.Tensor Project(torch.Tensor rows, Weight weight) => Step.Project(rows, weight);

    public void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight) => Step.AddProjected(residual, rows, weight);

    public void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights) => Step.NormaliseHeads(queryKeyValue, weights);

    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, Batch batch) => Step.Attend(queryKeyValue, cache, batch);

    public torch.Tensor Gate(torch.Tensor gateUp) => Step.Gate(gateUp);

    public torch.Tensor SelectLogitRows(torch.Tensor residual, Batch batch) => Step.SelectLogitRows(residual, batch);

    public torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results) => Step.Head(rows, head, results);

    public void Dispose()
    {
        forReplies.Dispose();
        forLongInputs.Dispose();
    }
}
