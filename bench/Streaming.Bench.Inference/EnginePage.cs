using Streaming.Inference.Kernels;

namespace Streaming.Bench.Inference;

/// <summary>A page of results of the engine.</summary>
/// <param name="Folder">Folder of the results.</param>
/// <param name="Provenance">Where they come from.</param>
internal sealed record EnginePage(string Folder, Provenance Provenance)
{
    /// <summary>Writes NAME.md; see <see cref="ResultsPage.Write"/>.</summary>
    public void Write(string name, string title, string body, DecodeSetup setup, DType type) =>
        ResultsPage.Write(
            Folder,
            name,
            title,
            body,
            Provenance,
            (
                "model",
                $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(setup.Model))}, {setup.Layout.Fixed}+{setup.Layout.Window}, "
                    + $"{type.ToString().ToLowerInvariant()}, {setup.Threads} thread(s)"
            )
        );
}
