using System.Text.Json;
using Streaming.Inference.Checkpoints;

namespace Streaming.Training.Tests;

/// <summary>A training that takes a second: a few words and a tiny model.</summary>
internal sealed class SmallTraining : IDisposable
{
    public static readonly ModelConfig Config = new()
    {
        Layers = 2,
        HiddenSize = 32,
        IntermediateSize = 48,
        Heads = 4,
        KeyValueHeads = 2,
        HeadDim = 8,
        VocabularySize = 320,
        ContextLength = 64,
        TiedHead = true,
    };

    private static readonly string[] Animals = ["dog", "cat", "bird", "fox", "owl", "bear", "frog"];
    private static readonly string[] Deeds = ["sings", "runs", "sleeps", "eats", "swims", "waits"];

    private readonly TemporaryFolder _folder = new();

    public SmallTraining()
    {
        var random = new Random(3);
        string Clause() => $"he {Animals[random.Next(Animals.Length)]} {Deeds[random.Next(Deeds.Length)]}";
        string Sentence() => $"T{Clause()} and t{Clause()}.";
        _folder.Write(
            "dialogues.jsonl",
            string.Concat(
                Enumerable
                    .Range(0, 120)
                    .Select(i =>
                        JsonSerializer.Serialize(
                            new
                            {
                                source = i % 2 == 0 ? "even" : "odd",
                                messages = Enumerable
                                    .Range(0, 2 + 2 * (i % 4))
                                    .Select(t => new { role = t % 2 == 0 ? "user" : "assistant", content = Sentence() }),
                            }
                        ) + "\n"
                    )
            )
        );
        _folder.Write(
            "stories.txt",
            string.Join(
                "\n***\n",
                Enumerable.Range(0, 110).Select(i => string.Join('\n', Enumerable.Range(0, 2 + i % 5).Select(_ => Sentence())))
            )
        );
        _folder.Write(
            "mixture.json",
            """
            {
              "sources": [
                { "name": "even", "dialogues": "dialogues.jsonl", "only": "even", "share": 3, "kind": "Chat" },
                { "name": "odd", "dialogues": "dialogues.jsonl", "only": "odd", "share": 1, "kind": "Assistant", "systemPromptShare": 1 },
                { "name": "stories", "text": "stories.txt", "separator": "***", "share": 2, "kind": "Story" },
                { "name": "sums", "generator": "sums", "share": 1, "kind": "Assistant", "systemPromptShare": 0 },
              ],
              "systemPrompts": { "Chat": ["You chat."], "Assistant": ["You help."], "Story": ["You tell."] }
            }
            """
        );
    }

    /// <summary>The folder with the training texts.</summary>
    public string Folder => _folder.Path;

    /// <summary>Options with their own work and output folders.</summary>
    public TrainingOptions Options(string name) =>
        new()
        {
            Mixture = _folder["mixture.json"],
            Data = Folder,
            Work = _folder[name + ".work"],
            Output = _folder[name + ".model"],
            Vocabulary = Config.VocabularySize,
            Layers = Config.Layers,
            Hidden = Config.HiddenSize,
            Intermediate = Config.IntermediateSize,
            Heads = Config.Heads,
            KeyValueHeads = Config.KeyValueHeads,
            HeadDim = Config.HeadDim,
            Tokens = 256 * 40,
            Batch = 256,
            Lengths = [new(32, 0), new(64, 0.5)],
            WarmUp = 5,
            Rate = 5e-3,
            Threads = 2,
            EvaluateEvery = 1000,
        };

    /// <summary>Replaces a text in the mixture file.</summary>
    public void Replace(string old, string replacement)
    {
        string text = File.ReadAllText(_folder["mixture.json"]);
        Assert.Contains(old, text, StringComparison.Ordinal);
        _folder.Write("mixture.json", text.Replace(old, replacement, StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Dispose();
}

/// <summary>Records the progress of a training.</summary>
internal sealed class RecordedProgress(Action<StepResult>? stepCompleted = null, Action<string>? logged = null) : ITrainingProgress
{
    public List<StepResult> Steps { get; } = [];

    public List<string> Lines { get; } = [];

    public void StepCompleted(StepResult step)
    {
        Steps.Add(step);
        stepCompleted?.Invoke(step);
    }

    public void Log(string line)
    {
        Lines.Add(line);
        logged?.Invoke(line);
    }
}
