using System.Text.Json;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Decoding;

namespace Streaming.Inference.Tests.Families;

/// <summary>Compares every family with llama.cpp: the same random weights as a folder and as GGUF, both in float32.</summary>
public class LlamaCppTests(LlamaCppTests.Answers answers) : IClassFixture<LlamaCppTests.Answers>
{
    private const int PromptTokens = 60,
        Tokens = 250;
    private const double Tolerance = 1e-3,
        SmallestGap = 4 * Tolerance; // rounding would decide a closer choice

    public static TheoryData<string> Models => [.. FamilyModels.All.Keys];

    [Theory]
    [MemberData(nameof(Models))]
    public void Logits_and_greedy_tokens_equal_those_of_llama_cpp(string name)
    {
        (int[] ids, float[][] expected) = answers.Of(name);
        using var checkpoint = Checkpoint.Open(answers.FolderOf(name));
        int capacity = FamilyModels.All[name].Capacity;
        using var decoder = Decoder.Load(
            checkpoint.Config,
            checkpoint.Weights,
            new DecoderOptions
            {
                DType = DType.Float32,
                Capacity = capacity,
                Slots = 2,
            }
        );
        var layout = new CacheLayout(4, capacity - 4);

        List<float[]> steps = new TestStream(decoder, 0, layout).Feed(ids, 1);
        List<float[]> chunks = new TestStream(decoder, 1, layout).Feed(ids, 48);

        for (int i = 0; i < Tokens; i++)
        {
            double apart = Math.Max(Logits.Distance(steps[i], expected[i]), Logits.Distance(chunks[i], expected[i]));
            Assert.True(apart < Tolerance, $"{name}: the logits at {i} are {apart:g3} from llama.cpp's.");
            if (i < PromptTokens - 1 || i == Tokens - 1)
                continue;
            float[] best = [.. expected[i].OrderDescending().Take(2)];
            if (best[0] - best[1] > SmallestGap)
                Assert.Equal(ids[i + 1], Array.IndexOf(steps[i], steps[i].Max()));
        }
        Assert.True(ids[PromptTokens..].Distinct().Count() > 10, $"{name}: {string.Join(' ', ids)} says too little.");
    }

    /// <summary>llama.cpp's answers for all models, from one process.</summary>
    public sealed class Answers : IAsyncLifetime
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("families-").FullName;

        public string FolderOf(string name) => Path.Combine(_folder, name);

        public (int[] Ids, float[][] Logits) Of(string name)
        {
            using var file = new BinaryReader(File.OpenRead(FolderOf(name) + ".logits"));
            var ids = new List<int>();
            var logits = new List<float[]>();
            while (file.BaseStream.Position < file.BaseStream.Length)
            {
                ids.Add(file.ReadInt32());
                logits.Add([.. Enumerable.Range(0, 128).Select(_ => file.ReadSingle())]);
            }
            Assert.Equal(Tokens, ids.Count);
            return ([.. ids], [.. logits]);
        }

        public async ValueTask InitializeAsync()
        {
            var jobs = new List<object>();
            foreach ((string name, FamilyModels.FamilyModel model) in FamilyModels.All)
            {
                var checkpoint = new RandomCheckpoint(model.Config, seed: 11);
                checkpoint.SaveAsFolder(FolderOf(name));
                checkpoint.SaveAsGguf(FolderOf(name) + ".gguf");
                jobs.Add(
                    new
                    {
                        Gguf = FolderOf(name) + ".gguf",
                        Context = model.Capacity,
                        Prompt = Logits.RandomIds(PromptTokens, checkpoint.Vocabulary, seed: 12),
                        Tokens,
                        Result = FolderOf(name) + ".logits",
                    }
                );
            }
            string jobsFile = Path.Combine(_folder, "jobs.json");
            await File.WriteAllTextAsync(jobsFile, JsonSerializer.Serialize(jobs), TestContext.Current.CancellationToken);
            await PeerProcess.Run("llama", jobsFile);
        }

        public ValueTask DisposeAsync()
        {
            Directory.Delete(_folder, recursive: true);
            return ValueTask.CompletedTask;
        }
    }
}
