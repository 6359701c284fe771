using System.Runtime.CompilerServices;

namespace Streaming.Inference.Tests.Checkpoints;

/// <summary>Folders of the models for tests.</summary>
internal static class ModelFolders
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The embedded model.</summary>
    public static string Starter => Path.Combine(Root, "models", "starter");

    /// <summary>A published model that is not part of the repository. A test that needs it is skipped where it is absent.</summary>
    public static string Stories260K
    {
        get
        {
            string folder = Path.GetFullPath(Path.Combine(Root, "..", "shared", "models", "stories260K"));
            Assert.SkipUnless(Directory.Exists(folder), $"The model stories260K is not in '{folder}' (tests/fixtures/README.md).");
            return folder;
        }
    }

    private static string FindRoot([CallerFilePath] string here = "")
    {
        string? folder = Path.GetDirectoryName(here);
        if (!Directory.Exists(folder))
            folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Streaming.Orleans.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests must run inside the repository.");
    }
}
