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

/// <summary>The options of an evaluation.</summary>
public sealed record EvaluatorOptions
{
    /// <summary>The checkpoint's folder.</summary>
    public required string Model { get; init; }

    /// <summary>Another checkpoint, to compare on the held-out texts; null for none.</summary>
    public string? Against { get; init; }

    /// <summary>The mixture whose held-out texts are scored.</summary>
    public required string Mixture { get; init; }

    /// <summary>The folder to which the paths in the mixture are relative.</summary>
    public required string Data { get; init; }

    /// <summary>Tokens in a sequence when texts are scored.</summary>
    public int Length { get; init; } = 512;

    /// <summary>The most tokens of a reply to an opening message.</summary>
    public int ReplyTokens { get; init; } = 200;

    /// <summary>Tokens of the endless story; 0 for none.</summary>
    public int StoryTokens { get; init; } = 20_000;

    /// <summary>The seed of the replies.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The number of threads; null for one per processor.</summary>
    public int? Threads { get; init; }
}

/// <summary>Evaluates a model on held-out texts, opening messages and an endless story, all chosen before its training.</summary>
public static class Evaluator
{
    private const int NGramLength = 8,
        SegmentLength = 1000;
    private const string StoryRequest = "Tell me a story that never ends.";

    /// <summary>Runs an evaluation.</summary>
    /// <param name="options">The options.</param>
    /// <param name="log">Receives lines about the progress.</param>
    /// <param name="cancel">Cancels the evaluation.</param>
    /// <exception cref="InputException">A file is invalid, or the model was not trained by this project.</exception>
    public static async Task<EvaluationReport> RunAsync(EvaluatorOptions options, Action<string> log, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(log);
        var mixture = MixtureFile.Read(options.Mixture);
        IReadOnlyDictionary<string, Corpus> corpora = Dataset.ReadCorpora(mixture, options.Data);
        log("Scoring held-out texts.");
        IReadOnlyList<SourceResult> heldOut = HeldOut(options.Model, mixture, corpora, options);
        IReadOnlyList<SourceResult>? against = options.Against is string other ? HeldOut(other, mixture, corpora, options) : null;

        log("Answering the opening messages.");
        IReadOnlyList<string> messages = OpeningMessages.Default.Messages;
        IReadOnlyList<Reply> replies = await ReplySampler
            .SampleAsync(
                options.Model,
                messages,
                s => s with { Seed = (ulong)options.Seed, MaxTokens = options.ReplyTokens },
                options.Threads,
                cancel
            )
            .ConfigureAwait(false);
        using var checkpoint = Checkpoint.Open(options.Model);
        return new EvaluationReport
        {
            Model = $"{checkpoint.Name} {checkpoint.Fingerprint[..12]}",
            HeldOut = heldOut,
            Against = against,
            Openings =
            [
                .. messages.Zip(replies, (message, reply) => new OpeningReply(message, reply.Text.Trim(), reply.End == EndReason.Length)),
            ],
            Story = options.StoryTokens == 0 ? null : await StoryAsync(options, log, cancel).ConfigureAwait(false),
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
        using var checkpoint = Checkpoint.Open(model);
        if (
            !checkpoint.Config.TiedHead
            || checkpoint.Config.QueryKeyNorm
            || checkpoint.Config.QueryKeyValueBias
            || checkpoint.Config.FusedProjections
        )
            throw new InputException(
                $"'{model}' cannot be scored on held-out texts: name a Llama with a tied head, as `streaming train` writes."
            );
        if (options.Length > checkpoint.Config.ContextLength)
            throw new InputException(
                $"'{model}' has a context of {checkpoint.Config.ContextLength} tokens, but sequences have {options.Length}: "
                    + "use a smaller --length."
            );
        using var master = new MasterWeights(checkpoint.Config, ScalarType.BFloat16, CPU, seed: 0);
        master.Load(checkpoint.Weights);
        using var network = new Network(checkpoint.Config, ScalarType.BFloat16, CPU);
        var encoder = new DocumentEncoder(Tokenizer.Load(checkpoint));
        var loop = new ParallelLoop(options.Threads ?? Environment.ProcessorCount);
        IReadOnlyList<HeldOutText> texts = HeldOutText.Of(mixture, corpora, encoder);
        var loss = new HeldOutLoss(master, new TrainingStep(master, network, sink: null, loop), texts, encoder.Bos, loop);
        return
        [
            .. loss.Measure(options.Length)
                .Where(s => s.Tokens > 0)
                .Select(s => new SourceResult(s.Source, s.Tokens, s.Characters, s.PerToken, Math.Exp(s.Nats / s.Characters))),
        ];
    }

    private static async Task<StoryResult> StoryAsync(EvaluatorOptions options, Action<string> log, CancellationToken cancel)
    {
        log($"Sampling a story of {options.StoryTokens} tokens.");
        IReadOnlyList<Reply> stories = await ReplySampler
            .SampleAsync(
                options.Model,
                [StoryRequest],
                s => s with { Seed = (ulong)options.Seed, MaxTokens = options.StoryTokens, IgnoreEos = true },
                options.Threads,
                cancel
            )
            .ConfigureAwait(false);
        IReadOnlyList<int> ids = stories[0].Ids;
        return new StoryResult(
            ids.Count,
            RepeatedNGrams.Shares(ids, NGramLength, int.MaxValue).SingleOrDefault(),
            RepeatedNGrams.Shares(ids, NGramLength, SegmentLength),
            stories[0].Text
        );
    }
}
