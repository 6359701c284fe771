using Microsoft.Extensions.Logging;

namespace Streaming.Storage.Snapshots;

/// <summary>
/// The embedded snapshot store: files in a folder beside the SQLite file, one folder per conversation. A file is written under a temporary
/// name, flushed to the disk and renamed, so a file with a snapshot's name is complete. A limit holds for all files together; the oldest
/// are deleted first. The lock of the data folder keeps other hosts out.
/// </summary>
/// <param name="root">The folder; created if it is missing.</param>
/// <param name="maxBytes">The limit of all files together, unfinished ones included.</param>
/// <param name="logger">Receives what was removed.</param>
internal sealed partial class FileSnapshotStore(string root, long maxBytes, ILogger<FileSnapshotStore> logger) : ISnapshotStore
{
    /// <summary>The default limit: 2 GiB.</summary>
    public const long DefaultMaxBytes = 2L << 30;

    private const string PartialExtension = ".partial";
    private const UnixFileMode OwnerFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Lock _gate = new();
    private readonly SnapshotFiles _files = new(maxBytes);

    /// <summary>Bytes of all files, unfinished ones included.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
                return _files.Bytes;
        }
    }

    /// <summary>Finds the snapshots of an earlier host, and deletes its unfinished files.</summary>
    /// <exception cref="StoreOpenException">The folder cannot be read or written.</exception>
    public void Open()
    {
        try
        {
            MakeFolder(root);
            lock (_gate)
            {
                foreach (string partial in Directory.EnumerateFiles(root, "*" + PartialExtension))
                    File.Delete(partial);
                foreach (
                    FileInfo file in new DirectoryInfo(root)
                        .EnumerateFiles("*", SearchOption.AllDirectories)
                        .OrderBy(f => f.LastWriteTimeUtc)
                        .ToList()
                )
                {
                    if (SnapshotFile.Of(file) is { } found)
                        _files.Add(found);
                }
                DeleteAll(_files.Reserve(0)); // The limit may have become smaller.
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreOpenException(
                $"The snapshot folder {root} cannot be used ({error.Message.TrimEnd('.')}); make it writable, or choose another "
                    + "(Streaming:Data).",
                error
            );
        }
    }

    /// <inheritdoc/>
    public async Task<bool> WriteAsync(
        SnapshotName name,
        long length,
        Func<Stream, CancellationToken, Task> write,
        Func<CancellationToken, Task<bool>> mayPublish,
        CancellationToken cancellation = default
    )
    {
        if (length > maxBytes)
            throw new SnapshotUnavailableException(
                $"A snapshot of {length} bytes is larger than the limit of all snapshots, {maxBytes}; raise Streaming:SnapshotMegabytes."
            );
        var file = new SnapshotFile(SnapshotFile.FolderOf(name.ConversationId), name.Branch, name.Position, length);
        string partial = Path.Combine(root, Guid.NewGuid().ToString("N") + PartialExtension);
        Guarded(() => DeleteAll(_files.Reserve(length)));
        try
        {
            await WritePartialAsync(partial, length, write, cancellation).ConfigureAwait(false);
            if (!await mayPublish(cancellation).ConfigureAwait(false))
                return false;
            Guarded(() => Publish(partial, file));
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unavailable(error);
        }
        finally
        {
            Guarded(() =>
            {
                _files.Release(length);
                File.Delete(partial); // No effect after it was published.
            });
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<SnapshotName>> ListAsync(string conversationId, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            return Task.FromResult<IReadOnlyList<SnapshotName>>([
                .. _files
                    .Of(SnapshotFile.FolderOf(conversationId))
                    .Select(f => new SnapshotName(conversationId, f.Branch, f.Position))
                    .OrderByDescending(n => n.Branch)
                    .ThenByDescending(n => n.Position),
            ]);
        }
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenAsync(SnapshotName name, CancellationToken cancellation = default)
    {
        try
        {
            // The file may be deleted while it is read: the bytes stay until it is closed.
            return Task.FromResult<Stream?>(
                new FileStream(
                    PathOf(name),
                    new FileStreamOptions
                    {
                        Access = FileAccess.Read,
                        Share = FileShare.Read | FileShare.Delete,
                        Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                        BufferSize = 0,
                    }
                )
            );
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return Task.FromResult<Stream?>(null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unavailable(error);
        }
    }

    /// <inheritdoc/>
    public Task RemoveAsync(SnapshotName name, CancellationToken cancellation = default)
    {
        Guarded(() => Remove([new SnapshotFile(SnapshotFile.FolderOf(name.ConversationId), name.Branch, name.Position, 0)]));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task EraseAsync(string conversationId, CancellationToken cancellation = default)
    {
        string folder = SnapshotFile.FolderOf(conversationId);
        Guarded(() =>
        {
            Remove(_files.Of(folder).ToList());
            if (Directory.Exists(Path.Combine(root, folder)))
                Directory.Delete(Path.Combine(root, folder), recursive: true);
        });
        return Task.CompletedTask;
    }

    private static async Task WritePartialAsync(
        string path,
        long length,
        Func<Stream, CancellationToken, Task> write,
        CancellationToken cancellation
    )
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            Options = FileOptions.Asynchronous,
            BufferSize = 0, // The writes are large.
            PreallocationSize = length, // Detects a full disk before anything is written.
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerFile;
        await using var file = new FileStream(path, options);
        await write(file, cancellation).ConfigureAwait(false);
        if (file.Position != length)
            throw new InvalidOperationException($"A snapshot of {length} bytes was announced, and {file.Position} were written.");
        // The bytes are on the disk before the name is. Folders are not synced: a rename lost in a power failure costs only a shortcut.
        file.Flush(flushToDisk: true);
    }

    private void Publish(string partial, SnapshotFile file)
    {
        MakeFolder(Path.Combine(root, file.Folder));
        File.Move(partial, Path.Combine(root, file.Path), overwrite: true);
        _files.Add(file);
        Remove(_files.Of(file.Folder).Where(other => (other.Branch, other.Position).CompareTo((file.Branch, file.Position)) < 0).ToList());
    }

    private void Remove(IReadOnlyList<SnapshotFile> files)
    {
        foreach (SnapshotFile file in files)
            _files.Remove(file);
        DeleteAll(files);
    }

    private void DeleteAll(IReadOnlyList<SnapshotFile> files)
    {
        foreach (SnapshotFile file in files)
        {
            string path = Path.Combine(root, file.Path);
            if (File.Exists(path))
                File.Delete(path);
            string folder = Path.GetDirectoryName(path)!;
            if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
        }
        if (files.Count > 0)
            LogRemoved(files.Count, files.Sum(f => f.Bytes));
    }

    /// <summary>Changes files and their bookkeeping together, under the lock.</summary>
    private void Guarded(Action change)
    {
        try
        {
            lock (_gate)
                change();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unavailable(error);
        }
    }

    private string PathOf(SnapshotName name) =>
        Path.Combine(root, new SnapshotFile(SnapshotFile.FolderOf(name.ConversationId), name.Branch, name.Position, 0).Path);

    private static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerFolder);
    }

    private SnapshotUnavailableException Unavailable(Exception error) =>
        new($"The snapshot folder {root} cannot be used ({error.Message.TrimEnd('.')}); look at the disk that holds it.", error);

    [LoggerMessage(LogLevel.Debug, "{Files} older snapshots with {Bytes} bytes were removed.")]
    private partial void LogRemoved(int files, long bytes);
}
