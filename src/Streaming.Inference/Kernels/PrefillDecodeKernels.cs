using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>
/// Two kernel sets over the same weights and cache: one computes the steps that prefill long inputs, the other one all other steps.
/// In bfloat16 libtorch prefills faster, because it uses the processor's own bfloat16 products.
/// </summary>
internal sealed class PrefillDecodeKernels(IKernels decode, IKernels prefill) : IKernels
{
    /// <summary>
    /// Tokens of a segment from which libtorch prefills faster in bfloat16 (bench/Streaming.Bench.Peers/NOTES.md); with 16 it did not.
    /// </summary>
    private const int LongSegment = 32;

    private IKernels? _step;

    private IKernels Step => _step ?? throw new InvalidOperationException("BeginStep comes first.");

    public torch.ScalarType CacheType => decode.CacheType;

    public unsafe void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed) =>
        decode.Pack(rows, count, width, nibbles, packed);

    public void BeginStep(Batch batch)
    {
        _step = batch.LongestSegment >= LongSegment ? prefill : decode;
        _step.BeginStep(batch);
    }

    public torch.Tensor Embed(torch.Tensor embedding) => Step.Embed(embedding);

    public torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight) => Step.Normalise(rows, weight);

    public torch.Tensor Project(torch.Tensor rows, Weight weight) => Step.Project(rows, weight);

    public void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight) => Step.AddProjected(residual, rows, weight);

    public void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights) => Step.NormaliseHeads(queryKeyValue, weights);

    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, KeyValueBias? bias) => Step.Attend(queryKeyValue, cache, bias);

    public torch.Tensor Gate(torch.Tensor gateUp) => Step.Gate(gateUp);

    public torch.Tensor SelectLogitRows(torch.Tensor residual) => Step.SelectLogitRows(residual);

    public torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results) => Step.Head(rows, head, results);

    public void Dispose()
    {
        decode.Dispose();
        prefill.Dispose();
    }
}
