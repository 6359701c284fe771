using Streaming.Inference;
using Streaming.Training.Corpora;
using Streaming.Training.SyntheticDialogue;

namespace Streaming.Training.DataLoading;

/// <summary>The texts that a mixture names.</summary>
/// <param name="Sources">The sources to train on.</param>
/// <param name="HeldOut">The held-out texts.</param>
internal sealed record Dataset(IReadOnlyList<ITextSource> Sources, IReadOnlyList<HeldOutText> HeldOut)
{
    /// <summary>Creates the dataset from corpora.</summary>
    /// <param name="mixture">The mixture.</param>
    /// <param name="corpora">The corpora of the sources that are files, by name.</param>
    /// <param name="encoder">Encodes the texts.</param>
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

    /// <summary>Reads the files that a mixture names, relative to a folder.</summary>
    /// <exception cref="InputException">A file cannot be read.</exception>
    public static IReadOnlyDictionary<string, Corpus> ReadCorpora(MixtureFile mixture, string folder) =>
        mixture.Sources.Where(s => s.Generator is null).ToDictionary(s => s.Name, s => Corpus.Read(s, folder));
}
