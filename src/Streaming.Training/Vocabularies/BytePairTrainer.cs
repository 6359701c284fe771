using System.Globalization;
using System.Text;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing;
using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;

namespace Streaming.Training.Vocabularies;

/// <summary>Learns a vocabulary from training texts, each source counting by its share.</summary>
internal static class BytePairTrainer
{
    private const double Precision = 1000; // what the rarest word counts

    /// <summary>Learns a vocabulary of so many tokens.</summary>
    /// <exception cref="InputException">The texts do not have so many.</exception>
    public static BytePairVocabulary Train(MixtureFile mixture, IReadOnlyDictionary<string, Corpus> corpora, int size, Action<string> say)
    {
        PreTokenizer splitter = PreTokenizer.Read(
            ConfigReader.Parse("pre_tokenizer", Encoding.UTF8.GetBytes(TokenizerWriter.PreTokenizerJson().ToJsonString()))
        );
        var words = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (SourceDescription source in mixture.Sources.Where(s => s.Share > 0 && s.Generator is null))
        {
            string[] texts = [.. corpora[source.Name].Training.SelectMany(TextsOf)];
            double weight = source.Share / texts.Sum(t => (double)t.Length);
            foreach (string word in texts.SelectMany(text => splitter.Split(text, isBeginning: true)))
                words[word] = words.GetValueOrDefault(word) + weight;
        }
        var vocabulary = new BytePairVocabulary(DocumentEncoder.ControlTokens);
        double least = words.Count == 0 ? 1 : words.Values.Min();
        // The order of a dictionary is no order: sorted, the same texts give the same vocabulary everywhere.
        var merger = new BytePairMerger(
            vocabulary,
            words
                .OrderBy(w => w.Key, StringComparer.Ordinal)
                .Select(w => (Encoding.UTF8.GetBytes(w.Key), (long)Math.Round(w.Value / least * Precision)))
        );
        merger.Run(size);
        if (vocabulary.Count < size)
            throw new InputException(
                $"The texts give only {vocabulary.Count} tokens, not {size}: ask for a smaller vocabulary or give more text."
            );
        say(string.Create(CultureInfo.InvariantCulture, $"A vocabulary of {size} tokens from {words.Count:N0} different words."));
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
