using System.Diagnostics;

namespace Streaming.Tooling;

/// <summary>Where the repository's files and built programs are, and which commit this is.</summary>
public static class Repository
{
    /// <summary>The repository's root, found upwards from the running program.</summary>
    /// <exception cref="InvalidOperationException">The program is not inside the repository.</exception>
    public static string Root { get; } = FindRoot();

    /// <summary>The full path of a file or folder, given from the root.</summary>
    public static string PathTo(params ReadOnlySpan<string> parts) => Path.GetFullPath(Path.Combine([Root, .. parts]));

    /// <summary>A program's assembly, built in the same configuration as the running program.</summary>
    /// <param name="project">The project's folder, from the root.</param>
    /// <param name="name">The assembly's name, without <c>.dll</c>.</param>
    public static string Assembly(string project, string name) =>
        PathTo(project, "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", name + ".dll");

    /// <summary>The full path of a file or folder below <c>tests/fixtures</c>.</summary>
    public static string Fixture(params ReadOnlySpan<string> parts) => PathTo(["tests", "fixtures", .. parts]);

    /// <summary>
    /// The commit's name, with <c>-dirty</c> if code or the embedded model differ from it (documents and results may differ);
    /// <c>unknown</c> outside a git checkout.
    /// </summary>
    public static string Commit()
    {
        string name = Git("describe", "--always");
        if (name.Length == 0)
            return "unknown";
        string changes = Git("status", "--porcelain", "--", "*.cs", "*.csproj", "*.props", "*.targets", "models/starter");
        return changes.Length > 0 ? name + "-dirty" : name;
    }

    private static string Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git", arguments) { RedirectStandardOutput = true, WorkingDirectory = Root };
        using Process git = Process.Start(start) ?? throw new InvalidOperationException("git did not start.");
        string output = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        return output;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Streaming.Orleans.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException("The program is not inside the repository: start it with `dotnet run` or `dotnet test`.");
    }
}
