using System.Runtime.InteropServices;
using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Bench.Peers.Runners;

/// <summary>
/// Runs this engine's decoder with random weights. Conversations are at positions far beyond their caches, so every step attends to
/// all places.
/// </summary>
internal sealed class DecoderRunner : IDisposable
{
    private const int IdSeed = 3;
    private readonly Decoder _decoder;
    private readonly CacheLayout _layout;
    private readonly int _threads;
    private long _position;

    private DecoderRunner(string shape, DType type, CacheLayout layout, int slots, int threads, bool deterministic)
    {
        torch.set_num_threads(threads);
        _layout = layout;
        _threads = threads;
        _decoder = Decoder.Load(
            Shapes.Of(shape),
            new RandomWeightSource(),
            new DecoderOptions
            {
                DType = type,
                Slots = slots,
                Capacity = layout.Places,
                Threads = threads,
                Deterministic = deterministic,
            }
        );
        for (int slot = 0; slot < slots; slot++)
            _decoder.Clear(slot); // backs every page with memory
        _position = 10L * layout.Places;
    }

    public static async Task RunAsync(string shape, DType type, CacheLayout layout, int slots, int threads, bool deterministic)
    {
        using var runner = new DecoderRunner(shape, type, layout, slots, threads, deterministic);
        await RunnerLoop.RunAsync(
            runner._decoder.DType.ToString(),
            request =>
                request.Threads != runner._threads
                    ? throw new InvalidOperationException($"This runner has {runner._threads} threads, not {request.Threads}.")
                    : request.Measure switch
                    {
                        Measures.Decode => Task.FromResult(new RunnerReply { Ms = runner.Decode(request) }),
                        Measures.Prompt => Task.FromResult(new RunnerReply { Ms = runner.Prompt(request) }),
                        Measures.Logits => Task.FromResult(new RunnerReply { Logits = runner.Logits(request.Tokens) }),
                        _ => RunnerLoop.Unknown(request),
                    }
        );
    }

    public void Dispose() => _decoder.Dispose();

    private double[] Decode(RunnerRequest request)
    {
        int[] ids = StepTimer.Ids(request.Conversations, _decoder.Config.VocabularySize, IdSeed);
        var segments = new Segment[request.Conversations];
        return StepTimer.Measure(
            request,
            _ =>
            {
                for (int slot = 0; slot < segments.Length; slot++)
                {
                    segments[slot] = new Segment
                    {
                        Slot = slot,
                        Layout = _layout,
                        Position = _position,
                        Fed = _position,
                        Ids = ids.AsMemory(slot, 1),
                        Logits = LogitRows.Last,
                    };
                }
                _decoder.Forward(segments)!.Dispose();
                _position++;
            }
        );
    }

    private double[] Prompt(RunnerRequest request) => StepTimer.Measure(request, _ => Feed(request.Tokens, request.Chunk).Dispose());

    private float[] Logits(int tokens)
    {
        using torch.Tensor logits = Feed(tokens, tokens);
        return MemoryMarshal.Cast<byte, float>(logits.bytes).ToArray();
    }

    /// <summary>Feeds a prompt to an empty slot; returns the logits of its last token, [1, vocabulary].</summary>
    private torch.Tensor Feed(int tokens, int chunk)
    {
        int[] ids = StepTimer.Ids(tokens, _decoder.Config.VocabularySize, IdSeed);
        torch.Tensor? logits = null;
        for (int at = 0; at < tokens; at += chunk)
        {
            int length = Math.Min(chunk, tokens - at);
            logits = _decoder.Forward([
                new Segment
                {
                    Slot = 0,
                    Layout = _layout,
                    Position = at,
                    Fed = at,
                    Ids = ids.AsMemory(at, length),
                    Logits = at + length == tokens ? LogitRows.Last : LogitRows.None,
                },
            ]);
        }
        return logits!;
    }
}
