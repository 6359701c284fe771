using Streaming.Inference;
using Streaming.Training.Corpora;
using Streaming.Training.SyntheticDialogue;

namespace Streaming.Training.DataLoading;

/// <summary>All that a mixture names, read: what is dealt, and what is held out.</summary>
/// <param name="Sources">What is dealt.</param>
/// <param name="HeldOut">What is held out.</param>
internal sealed record Dataset(IReadOnlyList<ITextSource> Sources, IReadOnlyList<HeldOutText> HeldOut)
{
    /// <summary>Makes the sources of corpora that were read.</summary>
    /// <param name="mixture">What the mixture says.</param>
    /// <param name="corpora">The sources that are files, by name.</param>
    /// <param name="encoder">Writes texts as tokens.</param>
    /// <param name="seed">The run's seed.</param>
    public static Dataset Of(MixtureFile mixture, IReadOnlyDictionary<string, Corpus> corpora, DocumentEncoder encoder, ulong seed)
    {
        var prompts = new SystemPrompts(mixture);
        return new Dataset(
            [
                .. mixture.Sources.Select(s =>
                    s.Generator is null
                        ? (ITextSource)new CorpusTextSource(s, corpora[s.Name], prompts, encoder, seed)
                        : new GeneratedTextSource(s, DialogueGenerator.Of(s, corpora), prompts, encoder, seed)
                ),
            ],
            HeldOutText.Of(mixture, corpora, encoder)
        );
    }

    /// <summary>Reads the files that a mixture names.</summary>
    /// <exception cref="InputException">One cannot be read.</exception>
    public static IReadOnlyDictionary<string, Corpus> ReadCorpora(MixtureFile mixture, string folder) =>
        mixture.Sources.Where(s => s.Generator is null).ToDictionary(s => s.Name, s => Corpus.Read(s, folder));
}
