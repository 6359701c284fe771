namespace Streaming.Storage.Tests.Sqlite;

/// <summary>A folder for one test, deleted after it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("storage-tests-").FullName;

    public string Database => System.IO.Path.Combine(Path, "conversations.db");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
