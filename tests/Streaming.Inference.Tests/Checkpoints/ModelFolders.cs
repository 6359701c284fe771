using Streaming.Tooling;

namespace Streaming.Inference.Tests.Checkpoints;

/// <summary>Folders of the models for tests.</summary>
internal static class ModelFolders
{
    /// <summary>The repository's root.</summary>
    public static string Root => Repository.Root;

    /// <summary>The embedded model.</summary>
    public static string Starter => Repository.PathTo("models", "starter");

    /// <summary>A published model that is not part of the repository. A test that needs it is skipped where it is absent.</summary>
    public static string Stories260K
    {
        get
        {
            string folder = Repository.PathTo("..", "shared", "models", "stories260K");
            Assert.SkipUnless(Directory.Exists(folder), $"The model stories260K is not in '{folder}' (tests/fixtures/README.md).");
            return folder;
        }
    }
}
