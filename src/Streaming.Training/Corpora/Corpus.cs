using Streaming.Inference;

namespace Streaming.Training.Corpora;

/// <summary>The texts of one source that is read from a file, parted into what is learnt and what is held out.</summary>
/// <param name="Training">What is learnt from.</param>
/// <param name="HeldOut">What is never learnt from: every hundredth dialogue, story or part of a book.</param>
internal sealed record Corpus(IReadOnlyList<SourceText> Training, IReadOnlyList<SourceText> HeldOut)
{
    // Where in each hundred the held-out one is; the starter held out the same ones, which makes the two comparable.
    private const int Every = 100,
        Which = 50;

    private const int StoryPart = 2600,
        BookPart = 4000; // characters

    /// <summary>Reads a source.</summary>
    /// <param name="source">What it is; not a generator.</param>
    /// <param name="folder">Where its file's path begins.</param>
    /// <exception cref="InputException">Its file cannot be read or has nothing of it.</exception>
    public static Corpus Read(SourceDescription source, string folder)
    {
        var (training, heldOut, count) = (new List<SourceText>(), new List<SourceText>(), 0);
        foreach (IEnumerable<SourceText> whole in Wholes(source, folder))
            (++count % Every == Which ? heldOut : training).AddRange(whole);
        return training.Count > 0
            ? new Corpus(training, heldOut)
            : throw new InputException(
                $"The source '{source.Name}' has no texts in '{Path.Combine(folder, source.Dialogues ?? source.Text!)}': correct its file or leave it out."
            );
    }

    /// <summary>The source's texts; one that is cut into parts stays together.</summary>
    private static IEnumerable<IEnumerable<SourceText>> Wholes(SourceDescription source, string folder)
    {
        if (source.Dialogues is not null)
            return CorpusFile.Dialogues(Path.Combine(folder, source.Dialogues), source.Only).Select(d => (IEnumerable<SourceText>)[d]);
        string text = CorpusFile.Text(Path.Combine(folder, source.Text!));
        return source.Separator is null
            ? CorpusFile.Parts(text, BookPart).Select(part => (IEnumerable<SourceText>)[new Prose(part, Begins: false, Ends: false)])
            : text.Split(source.Separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(PartsOf);
    }

    private static IEnumerable<SourceText> PartsOf(string story)
    {
        string[] parts = [.. CorpusFile.Parts(story, StoryPart)];
        return parts.Select((part, i) => new Prose(part, Begins: i == 0, Ends: i == parts.Length - 1));
    }
}
