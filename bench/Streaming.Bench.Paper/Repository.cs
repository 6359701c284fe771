using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Streaming.Bench.Paper;

/// <summary>Where things lie, which commit this is, and which machine.</summary>
internal static class Repository
{
    private const string CpuInfo = "/proc/cpuinfo";

    /// <summary>The repository's root, found upwards from the program.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path seen from the root.</summary>
    public static string PathTo(params ReadOnlySpan<string> parts) => Path.GetFullPath(Path.Combine([Root, .. parts]));

    /// <summary>The <c>streaming</c> command, built in the same configuration as this program.</summary>
    public static string Streaming { get; } = Assembly(Path.Combine("src", "Streaming.Cli"), "streaming");

    /// <summary>The silo's host, likewise.</summary>
    public static string Silo { get; } = Assembly("silo", "Streaming.Silo");

    /// <summary>The commit, with a mark when files differ from it.</summary>
    public static string Commit()
    {
        var start = new ProcessStartInfo("git", ["describe", "--always", "--dirty"])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Root,
        };
        using Process git =
            Process.Start(start) ?? throw new MeasurementException("git did not start: the results need the commit's name.");
        string commit = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        return commit.Length > 0 ? commit : "unknown";
    }

    /// <summary>Processor, cores, system and runtime.</summary>
    public static string Machine()
    {
        string? line = File.Exists(CpuInfo)
            ? File.ReadLines(CpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
            : null;
        string processor = line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
        return $"{processor}, {Environment.ProcessorCount} logical cores, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";
    }

    private static string Assembly(string project, string name) =>
        PathTo(project, "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", name + ".dll");

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Streaming.Orleans.sln")))
                return folder.FullName;
        }
        throw new MeasurementException(
            "The program does not lie inside the repository: start it by `dotnet run --project bench/Streaming.Bench.Paper`."
        );
    }
}
