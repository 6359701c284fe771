using System.Diagnostics;
using System.Runtime.InteropServices;
using LLama;
using LLama.Common;
using LLama.Native;
using Streaming.Inference;
using Streaming.Inference.Caching;

namespace Streaming.Bench.Peers.Runners;

/// <summary>
/// Runs llama.cpp with its fastest settings: a cache stream for each sequence, in float16, without flash attention. Caches are filled to
/// seven eighths, which leaves room for the measured steps; after each measurement they are reset to that.
/// </summary>
internal sealed class LlamaCppRunner : IDisposable
{
    private const int IdSeed = 3,
        LargestBatch = 512;
    private readonly string _gguf;
    private readonly bool _mapped;
    private readonly int _places,
        _filled;
    private readonly LLamaWeights _weights;
    private readonly Dictionary<int, LLamaContext> _full = [];
    private readonly LLamaContext _empty;
    private readonly LLamaBatch _batch = new();

    private LlamaCppRunner(string gguf, int places, bool mapped)
    {
        _gguf = gguf;
        _mapped = mapped;
        _places = places;
        _filled = places / 8 * 7;
        _weights = LLamaWeights.LoadFromFile(Parameters(1));
        _empty = _weights.CreateContext(Parameters(1));
    }

    /// <summary>Checks that the system has GNU OpenMP, which llama.cpp needs.</summary>
    /// <exception cref="InputException">It is missing.</exception>
    public static void RequireOpenMP()
    {
        const string library = "libgomp.so.1";
        if (OperatingSystem.IsLinux() && !NativeLibrary.TryLoad(library, out _))
            throw new InputException(
                $"llama.cpp needs {library}, which is missing: install GNU OpenMP (on Debian and Ubuntu, apt-get install libgomp1)."
            );
    }

    /// <param name="gguf">Path of the model.</param>
    /// <param name="avx">The build of llama.cpp.</param>
    /// <param name="layout">The cache of this engine; llama.cpp's has as many places.</param>
    /// <param name="mapped">Whether the file is mapped, with the system's small pages; else its weights are copied.</param>
    public static async Task RunAsync(string gguf, AvxLevel avx, CacheLayout layout, bool mapped)
    {
        RequireOpenMP();
        NativeLibraryConfig.All.WithLogCallback((_, text) => Console.Error.Write(text));
        NativeLibraryConfig.All.WithAvx(avx);
        using var runner = new LlamaCppRunner(gguf, layout.Places, mapped);
        RequireBuild(avx);
        await RunnerLoop.RunAsync(
            avx.ToString(),
            request =>
                request.Measure switch
                {
                    Measures.Decode => Task.FromResult(new RunnerReply { Ms = runner.Decode(request) }),
                    Measures.Prompt => Task.FromResult(new RunnerReply { Ms = runner.Prompt(request) }),
                    Measures.Logits => Task.FromResult(new RunnerReply { Logits = runner.Logits(request.Tokens) }),
                    _ => RunnerLoop.Unknown(request),
                }
        );
    }

    /// <summary>Checks the loaded build: LLamaSharp silently loads another one if it cannot load the requested one.</summary>
    private static void RequireBuild(AvxLevel avx)
    {
        using var self = Process.GetCurrentProcess();
        string library = self.Modules.Cast<ProcessModule>().First(module => module.ModuleName == "libllama.so").FileName;
        string loaded = Path.GetFileName(Path.GetDirectoryName(library)!),
            asked = avx == AvxLevel.None ? "noavx" : avx.ToString();
        if (!string.Equals(loaded, asked, StringComparison.OrdinalIgnoreCase))
            throw new InputException($"LLamaSharp loaded llama.cpp's build {loaded}, not {asked}: this processor does not run it.");
    }

    public void Dispose()
    {
        foreach (LLamaContext context in _full.Values)
            context.Dispose();
        _empty.Dispose();
        _weights.Dispose();
    }

    private double[] Decode(RunnerRequest request)
    {
        SafeLLamaContextHandle context = Full(request.Conversations, request.Threads);
        int[] ids = StepTimer.Ids(request.Conversations, _weights.Vocab.Count, IdSeed);
        double[] times = StepTimer.Measure(
            request,
            step =>
            {
                _batch.Clear();
                for (int s = 0; s < ids.Length; s++)
                    _batch.Add((LLamaToken)ids[s], _filled + step, (LLamaSeqId)s, logits: true);
                Decode(context);
                context.GetLogitsIth(ids.Length - 1);
            },
            most: _places - _filled
        );
        for (int s = 0; s < ids.Length; s++)
            context.MemorySequenceRemove((LLamaSeqId)s, _filled, -1);
        return times;
    }

    private double[] Prompt(RunnerRequest request) => StepTimer.Measure(request, _ => Feed(request.Tokens, request.Chunk, request.Threads));

    private float[] Logits(int tokens) => Feed(tokens, tokens, 1).ToArray();

    /// <summary>Feeds a prompt to an empty cache; returns the logits of its last token, [vocabulary].</summary>
    private Span<float> Feed(int tokens, int chunk, int threads)
    {
        SafeLLamaContextHandle context = Use(_empty, threads);
        context.MemorySequenceRemove((LLamaSeqId)0, -1, -1);
        int row = Feed(context, StepTimer.Ids(tokens, _weights.Vocab.Count, IdSeed), chunk);
        return context.GetLogitsIth(row);
    }

    private int Feed(SafeLLamaContextHandle context, int[] ids, int chunk)
    {
        int row = 0;
        for (int at = 0; at < ids.Length; at += chunk)
        {
            _batch.Clear();
            for (int i = at; i < Math.Min(ids.Length, at + chunk); i++)
                row = _batch.Add((LLamaToken)ids[i], i, (LLamaSeqId)0, logits: i == ids.Length - 1);
            Decode(context);
        }
        return row;
    }

    /// <summary>A context with full caches: the first is filled, the others are copies of it.</summary>
    private SafeLLamaContextHandle Full(int conversations, int threads)
    {
        if (_full.TryGetValue(conversations, out LLamaContext? known))
            return Use(known, threads);
        LLamaContext created = _full[conversations] = _weights.CreateContext(Parameters(conversations));
        SafeLLamaContextHandle context = Use(created, Environment.ProcessorCount);
        Feed(context, StepTimer.Ids(_filled, _weights.Vocab.Count, IdSeed), LargestBatch);
        for (int s = 1; s < conversations; s++)
            context.MemorySequenceCopy((LLamaSeqId)0, (LLamaSeqId)s, -1, -1);
        return Use(created, threads);
    }

    private void Decode(SafeLLamaContextHandle context)
    {
        DecodeResult decoded = context.Decode(_batch);
        if (decoded != DecodeResult.Ok)
            throw new InvalidOperationException($"llama.cpp answers {decoded} to a batch of {_batch.TokenCount} tokens.");
    }

    private static SafeLLamaContextHandle Use(LLamaContext context, int threads)
    {
        context.NativeHandle.GenerationThreads = threads;
        context.NativeHandle.BatchThreads = threads;
        return context.NativeHandle;
    }

    private ModelParams Parameters(int sequences) =>
        new(_gguf)
        {
            ContextSize = (uint)(_places * sequences),
            SeqMax = (uint)sequences,
            BatchSize = LargestBatch,
            UBatchSize = LargestBatch,
            Threads = 1,
            BatchThreads = 1,
            GpuLayerCount = 0,
            TypeK = GGMLType.GGML_TYPE_F16,
            TypeV = GGMLType.GGML_TYPE_F16,
            FlashAttention = false,
            KVUnified = false,
            LoadMode = _mapped ? LLamaLoadMode.MemoryMap : LLamaLoadMode.None,
        };
}
