using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Serving;

namespace Streaming.Bench;

/// <summary>A checkpoint and how conversations are decoded with it.</summary>
/// <param name="Model">Checkpoint folder.</param>
/// <param name="Layout">Sinks and window of every conversation.</param>
/// <param name="DType">The type of weights and arithmetic.</param>
/// <param name="Threads">Threads of an operation.</param>
public sealed record DecodeSetup(string Model, CacheLayout Layout, DType DType, int Threads)
{
    private const int RandomIds = 4096;

    /// <summary>Loads the checkpoint; returns its device, and the type that it was loaded with.</summary>
    public (IDecodeDevice Device, DType DType) Load(int slots)
    {
        var engine = Engine.Load(
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

    /// <summary>An endless reply to an input that fills the cache, so that every measured token attends to all places.</summary>
    /// <param name="slot">The conversation's slot.</param>
    /// <param name="ids">Token ids to fill the cache with, repeated if they are too few.</param>
    public DecodeJob EndlessReply(int slot, IReadOnlyList<int> ids) =>
        new()
        {
            Slot = slot,
            Layout = Layout,
            Reset = true,
            Input = [new TokenRun(0, Enumerable.Range(slot, Layout.Places).Select(i => ids[i % ids.Count]).ToArray())],
            Sampling = new SamplingParameters
            {
                Temperature = 0.7,
                TopP = 0.9,
                Seed = (ulong)slot,
                MaxTokens = 0,
                IgnoreEos = true,
            },
        };

    /// <summary>Random token ids of the checkpoint's vocabulary.</summary>
    public int[] RandomTokens()
    {
        using var checkpoint = Checkpoint.Open(Model);
        var random = new Random(1);
        return [.. Enumerable.Range(0, RandomIds).Select(_ => random.Next(checkpoint.Config.VocabularySize))];
    }
}
