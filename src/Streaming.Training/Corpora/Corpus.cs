using Streaming.Inference;

namespace Streaming.Training.Corpora;

/// <summary>The texts of one source that is read from a file, split into training and held-out texts.</summary>
/// <param name="Training">The texts to train on.</param>
/// <param name="HeldOut">The texts that are never trained on: every hundredth dialogue, story or part of a book.</param>
internal sealed record Corpus(IReadOnlyList<SourceText> Training, IReadOnlyList<SourceText> HeldOut)
{
    // The 50th of each hundred is held out. Changing this makes losses incomparable with those of earlier models.
    private const int HeldOutPeriod = 100,
        HeldOutIndex = 50;

    private const int StoryPartLength = 2600,
        BookPartLength = 4000; // characters

    /// <summary>Reads a source.</summary>
    /// <param name="source">The source, which has a file and no generator.</param>
    /// <param name="folder">The folder to which its file's path is relative.</param>
    /// <exception cref="InputException">The file cannot be read, or has no text of this source.</exception>
    public static Corpus Read(SourceDescription source, string folder)
    {
        (List<SourceText>? training, List<SourceText>? heldOut, int count) = (new List<SourceText>(), new List<SourceText>(), 0);
        foreach (IEnumerable<SourceText> whole in Wholes(source, folder))
            (++count % HeldOutPeriod == HeldOutIndex ? heldOut : training).AddRange(whole);
        return training.Count > 0
            ? new Corpus(training, heldOut)
            : throw new InputException(
                $"The source '{source.Name}' has no texts in '{Path.Combine(folder, source.Dialogues ?? source.Text!)}': "
                    + "correct the file or leave the source out."
            );
    }

    /// <summary>The source's texts, each as its parts, so that all parts of a story are held out together.</summary>
    private static IEnumerable<IEnumerable<SourceText>> Wholes(SourceDescription source, string folder)
    {
        if (source.Dialogues is not null)
            return CorpusFile.Dialogues(Path.Combine(folder, source.Dialogues), source.Only).Select(d => (IEnumerable<SourceText>)[d]);
        string text = CorpusFile.Text(Path.Combine(folder, source.Text!));
        return source.Separator is null
            ? CorpusFile.Parts(text, BookPartLength).Select(part => (IEnumerable<SourceText>)[new Prose(part, Begins: false, Ends: false)])
            : text.Split(source.Separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(PartsOf);
    }

    private static IEnumerable<SourceText> PartsOf(string story)
    {
        string[] parts = [.. CorpusFile.Parts(story, StoryPartLength)];
        return parts.Select((part, i) => new Prose(part, Begins: i == 0, Ends: i == parts.Length - 1));
    }
}
