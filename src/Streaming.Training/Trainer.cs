using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing;
using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;
using Streaming.Training.Vocabularies;

namespace Streaming.Training;

/// <summary>
/// Trains a small chat model on texts and writes a checkpoint that the engine loads. An interrupted training resumes from its last state
/// with the same results.
/// </summary>
public static class Trainer
{
    /// <summary>Trains, blocking the calling thread.</summary>
    /// <param name="options">The options.</param>
    /// <param name="progress">Receives the progress.</param>
    /// <param name="clock">The clock; null for the system's.</param>
    /// <param name="cancel">Ends the run after the current step; the state is saved.</param>
    /// <exception cref="InputException">A file or an option is invalid, or another training uses the work folder.</exception>
    public static TrainingOutcome Run(
        TrainingOptions options,
        ITrainingProgress progress,
        TimeProvider? clock = null,
        CancellationToken cancel = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(progress);
        TrainingOptionsValidator.Validate(options);
        using FileStream workLock = Lock(options.Work);

        var mixture = MixtureFile.Read(options.Mixture);
        IReadOnlyDictionary<string, Corpus> corpora = Dataset.ReadCorpora(mixture, options.Data);
        TokenizerFiles.Install(
            options.Tokenizer ?? options.From,
            options.Work,
            options.Output,
            options.Lengths[^1].Tokens,
            () => BytePairTrainer.Train(mixture, corpora, options.Vocabulary, progress.Log)
        );
        var encoder = new DocumentEncoder(Tokenizer.Load(options.Output));
        var texts = Dataset.Of(mixture, corpora, encoder, (ulong)options.Seed);
        using var run = new TrainingRun(options, ConfigOf(options, encoder), texts, encoder, progress, clock ?? TimeProvider.System);
        // Logged only now, so that invalid input gives exactly one line.
        progress.Log($"{corpora.Sum(c => c.Value.Training.Count)} training texts, {corpora.Sum(c => c.Value.HeldOut.Count)} held out.");
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

    /// <summary>Locks the work folder, because two trainings would overwrite each other's state.</summary>
    private static FileStream Lock(string folder)
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
                $"The work folder '{folder}' cannot be used ({e.Message.TrimEnd('.')}): stop the training that uses it, or name another.",
                e
            );
        }
    }
}
