using Streaming.Inference;
using Streaming.Inference.Batching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing;
using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;
using Streaming.Training.Model;
using Streaming.Training.Numerics;
using Streaming.Training.Optimization;
using Streaming.Training.SyntheticDialogue;
using static TorchSharp.torch;

namespace Streaming.Training.Evaluation;

/// <summary>What is evaluated.</summary>
public sealed record EvaluatorOptions
{
    /// <summary>The checkpoint.</summary>
    public required string Model { get; init; }

    /// <summary>Another one that it is compared with on the held-out texts; null for none.</summary>
    public string? Against { get; init; }

    /// <summary>The mixture whose held-out texts are scored.</summary>
    public required string Mixture { get; init; }

    /// <summary>Where the paths in the mixture begin.</summary>
    public required string Data { get; init; }

    /// <summary>Tokens of a sequence in which texts are scored.</summary>
    public int Length { get; init; } = 512;

    /// <summary>Tokens of a reply to an opening message.</summary>
    public int ReplyTokens { get; init; } = 200;

    /// <summary>Tokens of the story without an end; 0 for none.</summary>
    public int StoryTokens { get; init; } = 20_000;

    /// <summary>What replies are sampled with.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Threads; null for one per processor.</summary>
    public int? Threads { get; init; }
}

/// <summary>Evaluates a model by what was set down before it was trained: held-out texts, opening messages, a story without an end.</summary>
public static class Evaluator
{
    private const int Gram = 8,
        Segment = 1000;
    private const string StoryRequest = "Tell me a story that never ends.";

    /// <summary>Evaluates.</summary>
    /// <param name="options">What.</param>
    /// <param name="say">Hears how it goes.</param>
    /// <param name="cancel">Ends it early.</param>
    /// <exception cref="InputException">A file is wrong, or the model is not one that was trained here.</exception>
    public static async Task<EvaluationReport> RunAsync(EvaluatorOptions options, Action<string> say, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(say);
        MixtureFile mixture = MixtureFile.Read(options.Mixture);
        IReadOnlyDictionary<string, Corpus> corpora = Dataset.ReadCorpora(mixture, options.Data);
        say("Scoring held-out texts.");
        IReadOnlyList<SourceResult> heldOut = HeldOut(options.Model, mixture, corpora, options);
        IReadOnlyList<SourceResult>? against = options.Against is string other ? HeldOut(other, mixture, corpora, options) : null;

        say("Answering the opening messages.");
        IReadOnlyList<string> messages = OpeningMessages.Default.Messages;
        IReadOnlyList<Reply> replies = await ReplySampler
            .SampleAsync(
                options.Model,
                messages,
                s => s with { Seed = (ulong)options.Seed, MaxTokens = options.ReplyTokens },
                systemPrompt: null,
                options.Threads,
                cancel
            )
            .ConfigureAwait(false);
        using Checkpoint checkpoint = Checkpoint.Open(options.Model);
        return new EvaluationReport
        {
            Model = $"{checkpoint.Name} {checkpoint.Fingerprint[..12]}",
            HeldOut = heldOut,
            Against = against,
            Openings =
            [
                .. messages.Zip(replies, (message, reply) => new OpeningReply(message, reply.Text.Trim(), reply.End == EndReason.Length)),
            ],
            Story = options.StoryTokens == 0 ? null : await StoryAsync(options, say, cancel).ConfigureAwait(false),
        };
    }

    private static IReadOnlyList<SourceResult> HeldOut(
        string model,
        MixtureFile mixture,
        IReadOnlyDictionary<string, Corpus> corpora,
        EvaluatorOptions options
    )
    {
        using IDisposable noGradient = no_grad();
        using Checkpoint checkpoint = Checkpoint.Open(model);
        if (
            !checkpoint.Config.TiedHead
            || checkpoint.Config.QueryKeyNorm
            || checkpoint.Config.QueryKeyValueBias
            || checkpoint.Config.FusedProjections
        )
            throw new InputException(
                $"'{model}' is not a model that was trained here (a Llama with a tied head): held-out texts are scored for such only."
            );
        if (options.Length > checkpoint.Config.ContextLength)
            throw new InputException(
                $"'{model}' sees {checkpoint.Config.ContextLength} tokens, fewer than the {options.Length} of a sequence: take a smaller --length."
            );
        using var master = new MasterWeights(checkpoint.Config, ScalarType.BFloat16, CPU, seed: 0);
        master.Load(checkpoint.Weights);
        using var network = new Network(checkpoint.Config, ScalarType.BFloat16, CPU);
        var encoder = new DocumentEncoder(Tokenizer.Load(checkpoint));
        var work = new ParallelLoop(options.Threads ?? Environment.ProcessorCount);
        IReadOnlyList<HeldOutText> texts = HeldOutText.Of(mixture, corpora, encoder);
        var loss = new HeldOutLoss(master, new TrainingStep(master, network, sink: null, work), texts, encoder.Bos, work);
        return
        [
            .. loss.Measure(options.Length)
                .Where(s => s.Tokens > 0)
                .Select(s => new SourceResult(s.Source, s.Tokens, s.Characters, s.PerToken, Math.Exp(s.Nats / s.Characters))),
        ];
    }

    private static async Task<StoryResult> StoryAsync(EvaluatorOptions options, Action<string> say, CancellationToken cancel)
    {
        say($"Telling a story of {options.StoryTokens} tokens.");
        IReadOnlyList<Reply> told = await ReplySampler
            .SampleAsync(
                options.Model,
                [StoryRequest],
                s => s with { Seed = (ulong)options.Seed, MaxTokens = options.StoryTokens, IgnoreEos = true },
                systemPrompt: null,
                options.Threads,
                cancel
            )
            .ConfigureAwait(false);
        IReadOnlyList<int> ids = told[0].Ids;
        return new StoryResult(
            ids.Count,
            RepeatedNGrams.Shares(ids, Gram, int.MaxValue).SingleOrDefault(),
            RepeatedNGrams.Shares(ids, Gram, Segment),
            told[0].Text
        );
    }
}
