using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Tests.Batching;

/// <summary>Kernels whose steps a test can observe, hold, fail, or corrupt.</summary>
internal sealed class ObservedKernels(IKernels inner) : IKernels
{
    /// <summary>Called at the beginning of each step, on the device's thread, with the number of rows.</summary>
    public Action<int> StepBegins { get; set; } = static _ => { };

    /// <summary>Called with the logits of each step, which it may change.</summary>
    public Action<torch.Tensor> LogitsAreReady { get; set; } = static _ => { };

    public torch.ScalarType CacheType => inner.CacheType;

    public unsafe void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed) =>
        inner.Pack(rows, count, width, nibbles, packed);

    public void BeginStep(Batch batch)
    {
        StepBegins(batch.Rows);
        inner.BeginStep(batch);
    }

    public torch.Tensor Embed(torch.Tensor embedding) => inner.Embed(embedding);

    public torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight) => inner.Normalise(rows, weight);

    public torch.Tensor Project(torch.Tensor rows, Weight weight) => inner.Project(rows, weight);

    public void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight) => inner.AddProjected(residual, rows, weight);

    public void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights) => inner.NormaliseHeads(queryKeyValue, weights);

    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, KeyValueBias? bias) =>
        inner.Attend(queryKeyValue, cache, bias);

    public torch.Tensor Gate(torch.Tensor gateUp) => inner.Gate(gateUp);

    public torch.Tensor SelectLogitRows(torch.Tensor residual) => inner.SelectLogitRows(residual);

    public torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results)
    {
        torch.Tensor logits = inner.Head(rows, head, results);
        LogitsAreReady(logits);
        return logits;
    }

    public void Dispose() => inner.Dispose();
}
