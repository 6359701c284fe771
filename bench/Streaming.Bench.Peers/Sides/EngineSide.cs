using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;

namespace Streaming.Bench.Peers.Sides;

/// <summary>The engine alone with a checkpoint, as a host has it: batcher, sampling and text, but nobody is served.</summary>
internal static class EngineSide
{
    public static async Task RunAsync(string model, DType type, CacheLayout layout, int slots, int threads)
    {
        var setup = new Setup(model, layout, type, threads, Output: "", Arguments: "");
        (IDecodeDevice device, DType taken) = setup.Load(slots);
        await using IDecodeDevice owned = device;
        int[] text = setup.SomeText();
        await SideLoop.RunAsync(
            taken.ToString(),
            async request =>
                request.Measure == Measures.Rate
                    ? new SideReply
                    {
                        Rate = await DecodeRate.MeasureAsync(
                            device,
                            setup,
                            text,
                            request.Conversations,
                            request.Tokens,
                            CancellationToken.None
                        ),
                    }
                    : await SideLoop.Unknown(request)
        );
    }
}
