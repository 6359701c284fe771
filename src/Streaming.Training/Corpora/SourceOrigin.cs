using Streaming.Inference;

namespace Streaming.Training.Corpora;

/// <summary>Where a source of a mixture comes from.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Origin">Whose it is.</param>
/// <param name="Licence">Its licence.</param>
public sealed record SourceOrigin(string Name, string Origin, string Licence)
{
    /// <summary>The origins of a mixture's sources, in its order.</summary>
    /// <exception cref="InputException">The mixture cannot be read, or a source does not say.</exception>
    public static IReadOnlyList<SourceOrigin> Read(string mixture) =>
        [
            .. MixtureFile
                .Read(mixture)
                .Sources.Select(s =>
                    s is { Origin: string origin, Licence: string licence }
                        ? new SourceOrigin(s.Name, origin, licence)
                        : throw new InputException(
                            $"'{mixture}': the source '{s.Name}' does not say its origin and licence: a model card must name both."
                        )
                ),
        ];
}
