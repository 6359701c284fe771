namespace Streaming.ModelCard;

/// <summary>Where things lie.</summary>
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
}
