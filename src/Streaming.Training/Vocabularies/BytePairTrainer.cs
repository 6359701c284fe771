using System.Globalization;
using System.Text;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing;
using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;

namespace Streaming.Training.Vocabularies;

/// <summary>Trains a byte-pair vocabulary on the training texts, with each source weighted by its share.</summary>
internal static class BytePairTrainer
{
    private const double Precision = 1000; // the count of the rarest word

    /// <summary>Trains a vocabulary of <paramref name="size"/> tokens.</summary>
    /// <exception cref="InputException">The texts give fewer tokens.</exception>
    public static BytePairVocabulary Train(MixtureFile mixture, IReadOnlyDictionary<string, Corpus> corpora, int size, Action<string> log)
    {
        var splitter = PreTokenizer.Read(
            ConfigReader.Parse("pre_tokenizer", Encoding.UTF8.GetBytes(TokenizerWriter.PreTokenizerJson().ToJsonString()))
        );
        var words = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (SourceDescription source in mixture.Sources.Where(s => s.Share > 0 && s.Generator is null))
        {
            string[] texts = [.. corpora[source.Name].Training.SelectMany(TextsOf)];
            double weight = source.Share / texts.Sum(t => (double)t.Length);
            foreach (string word in texts.SelectMany(text => splitter.Split(text, SectionStart.Text)))
                words[word] = words.GetValueOrDefault(word) + weight;
        }
        var vocabulary = new BytePairVocabulary(DocumentEncoder.ControlTokens);
        double least = words.Count == 0 ? 1 : words.Values.Min();
        // Sorted, because a dictionary has no defined order and the same texts must always give the same vocabulary.
        var merger = new BytePairMerger(
            vocabulary,
            words
                .OrderBy(w => w.Key, StringComparer.Ordinal)
                .Select(w => (Encoding.UTF8.GetBytes(w.Key), (long)Math.Round(w.Value / least * Precision)))
        );
        merger.Run(size);
        if (vocabulary.Count < size)
            throw new InputException(
                $"The texts give a vocabulary of only {vocabulary.Count} tokens, not {size}: use a smaller --vocabulary or more text."
            );
        log(string.Create(CultureInfo.InvariantCulture, $"Vocabulary: {size} tokens from {words.Count:N0} different words."));
        return vocabulary;
    }

    private static IEnumerable<string> TextsOf(SourceText text) =>
        text switch
        {
            Dialogue dialogue => dialogue.Turns.Select(turn => $"{turn.Role}\n{turn.Content}"),
            Prose prose => [prose.Text],
            _ => throw new ArgumentException($"A text of the kind {text.GetType().Name} has no words.", nameof(text)),
        };
}
