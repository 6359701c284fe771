namespace Streaming.EndToEnd.Tests.Hosts;

/// <summary>Where the built programs and the test data are.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>A program's assembly, built in the same configuration as these tests.</summary>
    public static string Assembly(string project, string name) =>
        Path.Combine(Root, project, "bin", Configuration(), "net10.0", name + ".dll");

    /// <summary>A file or folder below <c>tests/fixtures</c>.</summary>
    public static string Fixture(params ReadOnlySpan<string> path) => Path.Combine([Root, "tests", "fixtures", .. path]);

    private static string Configuration() => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Streaming.Orleans.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
