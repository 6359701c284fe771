using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Tests.Batching;

/// <summary>Kernels with a watcher: it is told of every step, may hold it, break it, or spoil its logits.</summary>
internal sealed class ObservedKernels(IKernels inner) : IKernels
{
    /// <summary>Runs at the beginning of each step, on the device's thread, with the batch's rows.</summary>
    public Action<int> StepBegins { get; set; } = static _ => { };

    /// <summary>May change the logits of a step.</summary>
    public Action<torch.Tensor> LogitsAreReady { get; set; } = static _ => { };

    public torch.ScalarType CacheType => inner.CacheType;

    public unsafe void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed) =>
        inner.Pack(rows, count, width, nibbles, packed);

    public torch.Tensor Embed(torch.Tensor embedding, Batch batch)
    {
        StepBegins(batch.Rows);
        return inner.Embed(embedding, batch);
    }

    public torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight) => inner.Normalise(rows, weight);

    public torch.Tensor Project(torch.Tensor rows, Weight weight) => inner.Project(rows, weight);

    public void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight) => inner.AddProjected(residual, rows, weight);

    public void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights) => inner.NormaliseHeads(queryKeyValue, weights);

    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, Batch batch) => inner.Attend(queryKeyValue, cache, batch);

    public torch.Tensor Gate(torch.Tensor gateUp) => inner.Gate(gateUp);

    public torch.Tensor SelectLogitRows(torch.Tensor residual, Batch batch) => inner.SelectLogitRows(residual, batch);

    public torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results)
    {
        torch.Tensor logits = inner.Head(rows, head, results);
        LogitsAreReady(logits);
        return logits;
    }

    public void Dispose() => inner.Dispose();
}
