using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;

namespace Streaming.Bench.Peers.Runners;

/// <summary>Runs this engine with a checkpoint as a host does, with batcher, sampling and text, but without serving it.</summary>
internal static class EngineRunner
{
    public static async Task RunAsync(string model, DType type, CacheLayout layout, int slots, int threads)
    {
        var setup = new DecodeSetup(model, layout, type, threads);
        (IDecodeDevice device, DType loaded) = setup.Load(slots);
        await using IDecodeDevice owned = device;
        int[] ids = setup.RandomTokens();
        await RunnerLoop.RunAsync(
            loaded.ToString(),
            async request =>
                request.Measure == Measures.Rate
                    ? new RunnerReply
                    {
                        Rate = await DecodeRate.MeasureAsync(
                            device,
                            setup,
                            ids,
                            request.Conversations,
                            request.Tokens,
                            CancellationToken.None
                        ),
                    }
                    : await RunnerLoop.Unknown(request)
        );
    }
}
