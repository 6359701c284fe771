using System.Diagnostics;
using System.Runtime.InteropServices;
using LLama;
using LLama.Common;
using LLama.Native;
using Streaming.Inference;
using Streaming.Inference.Caching;

namespace Streaming.Bench.Peers.Sides;

/// <summary>
/// llama.cpp at its best settings for speed: a stream of the cache for each sequence, in float16, without flash attention. Its caches
/// are filled to seven eighths, so that steps have room to go on; they return there after each measurement.
/// </summary>
internal sealed class LlamaSide : IDisposable
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

    private LlamaSide(string gguf, int places, bool mapped)
    {
        _gguf = gguf;
        _mapped = mapped;
        _places = places;
        _filled = places / 8 * 7;
        _weights = LLamaWeights.LoadFromFile(Parameters(1));
        _empty = _weights.CreateContext(Parameters(1));
    }

    /// <summary>Refuses a system without the library that llama.cpp's threads come from.</summary>
    /// <exception cref="InputException">It is missing.</exception>
    public static void RequireOpenMP()
    {
        const string library = "libgomp.so.1";
        if (OperatingSystem.IsLinux() && !NativeLibrary.TryLoad(library, out _))
            throw new InputException(
                $"llama.cpp needs {library}, and the system does not have it: install GNU OpenMP (Debian and Ubuntu: apt-get install libgomp1)."
            );
    }

    /// <param name="gguf">The model.</param>
    /// <param name="avx">Which of llama.cpp's builds.</param>
    /// <param name="layout">The cache that ours has; llama.cpp's has as many places.</param>
    /// <param name="mapped">Whether weights are read where the system mapped the file, in its small pages; else they are copied.</param>
    public static async Task RunAsync(string gguf, AvxLevel avx, CacheLayout layout, bool mapped)
    {
        RequireOpenMP();
        NativeLibraryConfig.All.WithLogCallback((_, text) => Console.Error.Write(text));
        NativeLibraryConfig.All.WithAvx(avx);
        using var side = new LlamaSide(gguf, layout.Places, mapped);
        RequireBuild(avx);
        await SideLoop.RunAsync(
            avx.ToString(),
            request =>
                request.Measure switch
                {
                    Measures.Decode => Task.FromResult(new SideReply { Ms = side.Decode(request) }),
                    Measures.Prompt => Task.FromResult(new SideReply { Ms = side.Prompt(request) }),
                    Measures.Logits => Task.FromResult(new SideReply { Logits = side.Logits(request.Tokens) }),
                    _ => SideLoop.Unknown(request),
                }
        );
    }

    /// <summary>LLamaSharp takes another build where it cannot load the one that was asked for: that would be measured under a wrong name.</summary>
    private static void RequireBuild(AvxLevel avx)
    {
        using Process self = Process.GetCurrentProcess();
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

    private double[] Decode(SideRequest request)
    {
        SafeLLamaContextHandle context = Full(request.Conversations, request.Threads);
        int[] ids = Stepping.Ids(request.Conversations, _weights.Vocab.Count, IdSeed);
        double[] times = Stepping.Measure(
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

    private double[] Prompt(SideRequest request) => Stepping.Measure(request, _ => Feed(request.Tokens, request.Chunk, request.Threads));

    private float[] Logits(int tokens) => Feed(tokens, tokens, 1).ToArray();

    /// <summary>A prompt from an empty cache: logits of its last token, [vocabulary].</summary>
    private Span<float> Feed(int tokens, int chunk, int threads)
    {
        SafeLLamaContextHandle context = Use(_empty, threads);
        context.MemorySequenceRemove((LLamaSeqId)0, -1, -1);
        int row = Feed(context, Stepping.Ids(tokens, _weights.Vocab.Count, IdSeed), chunk);
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

    /// <summary>A context with full caches: one is filled, the others are copies.</summary>
    private SafeLLamaContextHandle Full(int conversations, int threads)
    {
        if (_full.TryGetValue(conversations, out LLamaContext? known))
            return Use(known, threads);
        LLamaContext created = _full[conversations] = _weights.CreateContext(Parameters(conversations));
        SafeLLamaContextHandle context = Use(created, Environment.ProcessorCount);
        Feed(context, Stepping.Ids(_filled, _weights.Vocab.Count, IdSeed), LargestBatch);
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
