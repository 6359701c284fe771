using System.Runtime.InteropServices;
using System.Text.Json;
using LLama;
using LLama.Common;
using LLama.Native;

namespace Streaming.Peers;

/// <summary>
/// llama.cpp, one model after another: feeds a prompt token by token and then its own greedy choices, in float32 throughout.
/// </summary>
internal static class LlamaCpp
{
    /// <param name="Gguf">The model.</param>
    /// <param name="Context">Places of the cache.</param>
    /// <param name="Prompt">Ids to begin with.</param>
    /// <param name="Tokens">Tokens to feed in all.</param>
    /// <param name="Result">The file to write: each fed token as int32, followed by its logits as float32.</param>
    private sealed record Job(string Gguf, int Context, int[] Prompt, int Tokens, string Result);

    public static void Run(string jobsFile)
    {
        var lastMessages = new Queue<string>();
        NativeLibraryConfig.All.WithLogCallback(
            (level, text) =>
            {
                lastMessages.Enqueue(text.Trim());
                if (lastMessages.Count > 20)
                    lastMessages.Dequeue();
            }
        );
        try
        {
            foreach (Job job in JsonSerializer.Deserialize<Job[]>(File.ReadAllText(jobsFile))!)
                Run(job);
        }
        catch
        {
            foreach (string message in lastMessages)
                Console.Error.WriteLine(message);
            throw;
        }
    }

    private static void Run(Job job)
    {
        var parameters = new ModelParams(job.Gguf)
        {
            ContextSize = (uint)job.Context,
            SeqMax = 1,
            BatchSize = 32,
            UBatchSize = 32,
            Threads = 1,
            BatchThreads = 1,
            GpuLayerCount = 0,
            TypeK = GGMLType.GGML_TYPE_F32,
            TypeV = GGMLType.GGML_TYPE_F32,
            FlashAttention = false, // else keys and values are rounded to 16 bits
        };
        using var weights = LLamaWeights.LoadFromFile(parameters);
        using LLamaContext context = weights.CreateContext(parameters);
        using FileStream result = File.Create(job.Result);
        var batch = new LLamaBatch();
        int next = -1;
        for (int position = 0; position < job.Tokens; position++)
        {
            int id = position < job.Prompt.Length ? job.Prompt[position] : next;
            batch.Clear();
            int row = batch.Add((LLamaToken)id, position, (LLamaSeqId)0, logits: true);
            DecodeResult decoded = context.NativeHandle.Decode(batch);
            if (decoded != DecodeResult.Ok)
                throw new InvalidOperationException($"llama.cpp answers {decoded} at position {position} of {job.Gguf}.");
            Span<float> logits = context.NativeHandle.GetLogitsIth(row);
            result.Write(BitConverter.GetBytes(id));
            result.Write(MemoryMarshal.AsBytes(logits));
            next = IndexOfMax(logits);
        }
    }

    private static int IndexOfMax(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best])
                best = i;
        }
        return best;
    }
}
