namespace Streaming.Tooling;

/// <summary>A new folder among the system's temporary files; <see cref="Dispose"/> deletes it with everything in it.</summary>
/// <param name="prefix">What the folder's name begins with.</param>
public sealed class TemporaryFolder(string prefix = "streaming-") : IDisposable
{
    /// <summary>The folder's full path.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory(prefix).FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
