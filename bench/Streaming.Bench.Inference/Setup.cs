using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Serving;

namespace Streaming.Bench;

/// <summary>What is measured.</summary>
/// <param name="Model">Checkpoint folder.</param>
/// <param name="Layout">Sinks and window of every conversation.</param>
/// <param name="DType">The arithmetic.</param>
/// <param name="Threads">Threads of one operation.</param>
/// <param name="Output">Folder of the results.</param>
/// <param name="Arguments">The command line, for the record.</param>
internal sealed record Setup(string Model, CacheLayout Layout, DType DType, int Threads, string Output, string Arguments)
{
    /// <summary>A device with the checkpoint, and the arithmetic that it took.</summary>
    public (IDecodeDevice Device, DType DType) Load(int slots)
    {
        Engine engine = Engine.Load(
            new EngineOptions
            {
                Model = Model,
                Sinks = Layout.Fixed,
                Window = Layout.Window,
                DType = DType,
                Slots = slots,
                Threads = Threads,
            }
        );
        return (engine.Devices.Values.Single(), engine.DType);
    }

    /// <summary>An endless reply to an input that fills the cache, so that every measured token attends to all of it.</summary>
    public DecodeJob EndlessReply(int slot, IReadOnlyList<int> text) =>
        new()
        {
            Slot = slot,
            Layout = Layout,
            Reset = true,
            Input = [new TokenRun(0, Enumerable.Range(slot, Layout.Places).Select(i => text[i % text.Count]).ToArray())],
            Sampling = new SamplingParameters
            {
                Temperature = 0.7,
                TopP = 0.9,
                Seed = (ulong)slot,
                MaxTokens = 0,
                IgnoreEos = true,
            },
        };

    /// <summary>Ids to fill caches with.</summary>
    public int[] SomeText()
    {
        using Checkpoint checkpoint = Checkpoint.Open(Model);
        var random = new Random(1);
        return [.. Enumerable.Range(0, 4096).Select(_ => random.Next(checkpoint.Config.VocabularySize))];
    }
}
