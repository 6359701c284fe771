using Streaming.Inference;

namespace Streaming.Training.Corpora;

/// <summary>The origin of a mixture's source, for the model card.</summary>
/// <param name="Name">The source's name.</param>
/// <param name="Origin">Where its texts come from.</param>
/// <param name="Licence">Their licence.</param>
public sealed record SourceOrigin(string Name, string Origin, string Licence)
{
    /// <summary>The origins of a mixture's sources, in the file's order.</summary>
    /// <exception cref="InputException">The mixture cannot be read, or a source does not state its origin and licence.</exception>
    public static IReadOnlyList<SourceOrigin> Read(string mixture) =>
        [
            .. MixtureFile
                .Read(mixture)
                .Sources.Select(s =>
                    s is { Origin: string origin, Licence: string licence }
                        ? new SourceOrigin(s.Name, origin, licence)
                        : throw new InputException(
                            $"'{mixture}': the source '{s.Name}' lacks its origin or licence: add both, the model card states them."
                        )
                ),
        ];
}
