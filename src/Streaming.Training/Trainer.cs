using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing;
using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;
using Streaming.Training.Vocabularies;

namespace Streaming.Training;

/// <summary>
/// Trains a small chat model from texts to a checkpoint that the engine loads. A run that is interrupted, however it is, goes on
/// from its last state as if it had not been.
/// </summary>
public static class Trainer
{
    /// <summary>Trains, on the calling thread.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="progress">Hears how it goes.</param>
    /// <param name="clock">The time; null for the system's.</param>
    /// <param name="cancel">Ends it after the step under way; what was learnt is kept.</param>
    /// <exception cref="InputException">A file or an option is wrong, or another training uses the work folder.</exception>
    public static TrainingOutcome Run(
        TrainingOptions options,
        ITrainingProgress progress,
        TimeProvider? clock = null,
        CancellationToken cancel = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(progress);
        TrainingOptionsValidator.Check(options);
        using FileStream mark = Claim(options.Work);

        MixtureFile mixture = MixtureFile.Read(options.Mixture);
        IReadOnlyDictionary<string, Corpus> corpora = Dataset.ReadCorpora(mixture, options.Data);
        TokenizerFiles.Install(
            options.Tokenizer ?? options.From,
            options.Work,
            options.Output,
            options.Lengths[^1].Tokens,
            () => BytePairTrainer.Train(mixture, corpora, options.Vocabulary, progress.Log)
        );
        var encoder = new DocumentEncoder(Tokenizer.Load(options.Output));
        Dataset texts = Dataset.Of(mixture, corpora, encoder, (ulong)options.Seed);
        using var run = new TrainingRun(options, ConfigOf(options, encoder), texts, encoder, progress, clock ?? TimeProvider.System);
        // Said only now: what is refused is refused in one line.
        progress.Log(
            $"{corpora.Sum(c => c.Value.Training.Count)} texts to learn from, {corpora.Sum(c => c.Value.HeldOut.Count)} held out."
        );
        return run.Train(cancel);
    }

    private static ModelConfig ConfigOf(TrainingOptions options, DocumentEncoder encoder) =>
        new()
        {
            Layers = options.Layers,
            HiddenSize = options.Hidden,
            IntermediateSize = options.Intermediate,
            Heads = options.Heads,
            KeyValueHeads = options.KeyValueHeads,
            HeadDim = options.HeadDim,
            VocabularySize = encoder.VocabularySize,
            ContextLength = options.Lengths[^1].Tokens,
            TiedHead = true,
        };

    /// <summary>Two trainings would overwrite each other's state.</summary>
    private static FileStream Claim(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new FileStream(
                Path.Combine(folder, "lock"),
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None,
                1,
                FileOptions.DeleteOnClose
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException(
                $"The work folder '{folder}' cannot be used ({e.Message.TrimEnd('.')}): end the training that uses it, or name another.",
                e
            );
        }
    }
}
