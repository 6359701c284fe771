using System.Diagnostics;

namespace Streaming.Bench;

/// <summary>Where things lie, and which commit this is.</summary>
internal static class Repository
{
    /// <summary>A path below the repository's root, found upwards from the program.</summary>
    public static string PathTo(params ReadOnlySpan<string> parts)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Streaming.Orleans.sln")))
            folder = Path.GetDirectoryName(folder);
        return Path.Combine([folder ?? Environment.CurrentDirectory, .. parts]);
    }

    /// <summary>The commit, with a mark when files differ from it.</summary>
    public static string Commit()
    {
        var start = new ProcessStartInfo("git", ["describe", "--always", "--dirty"])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        using Process git = Process.Start(start) ?? throw new InvalidOperationException("git did not start.");
        string commit = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        return commit.Length > 0 ? commit : "unknown";
    }
}
