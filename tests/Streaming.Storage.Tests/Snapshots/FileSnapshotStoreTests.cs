using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Storage.Snapshots;
using Streaming.Storage.Tests.Sqlite;

namespace Streaming.Storage.Tests.Snapshots;

/// <summary>The embedded store keeps the contract of snapshot stores, and its limit.</summary>
public sealed class FileSnapshotStoreTests : SnapshotStoreContract
{
    private readonly TemporaryFolder _folder = new();
    private long _limit = 1L << 30;

    private FileSnapshotStore Files => (FileSnapshotStore)Store;

    protected override Task<ISnapshotStore> OpenStoreAsync()
    {
        var store = new FileSnapshotStore(Path.Combine(_folder.Path, "snapshots"), _limit, NullLogger<FileSnapshotStore>.Instance);
        store.Open();
        return Task.FromResult<ISnapshotStore>(store);
    }

    public override ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Snapshots_stay_within_the_limit_and_the_oldest_are_deleted_first()
    {
        _limit = 1000;
        await ReopenAsync();
        await WriteAsync("a", 0, 1, new byte[400]);
        await WriteAsync("b", 0, 1, new byte[400]);
        await WriteAsync("a", 0, 2, new byte[300]); // Now b's snapshot is the oldest.
        Assert.Equal(700, Files.Bytes);
        await WriteAsync("c", 0, 1, new byte[400]);
        Assert.Empty(await Store.ListAsync("b", Token));
        Assert.Single(await Store.ListAsync("a", Token));
        Assert.Single(await Store.ListAsync("c", Token));
        Assert.Equal(700, Files.Bytes);
        Assert.Equal(700, BytesOnDisk());
    }

    [Fact]
    public async Task The_limit_counts_unfinished_snapshots()
    {
        _limit = 1000;
        await ReopenAsync();
        await WriteAsync("a", 0, 1, new byte[400]);
        bool published = await Store.WriteAsync(
            new SnapshotName("b", 0, 1),
            700,
            async (to, cancellation) =>
            {
                Assert.Equal(700, Files.Bytes);
                Assert.Empty(await Store.ListAsync("a", cancellation));
                await to.WriteAsync(new byte[700], cancellation);
            },
            _ => Task.FromResult(false),
            Token
        );
        Assert.False(published);
        Assert.Equal(0, Files.Bytes);
        Assert.Equal(0, BytesOnDisk());
    }

    [Fact]
    public async Task A_snapshot_larger_than_the_limit_is_refused_and_replaces_none()
    {
        _limit = 1000;
        await ReopenAsync();
        await WriteAsync("a", 0, 1, new byte[400]);
        SnapshotUnavailableException refusal = await Assert.ThrowsAsync<SnapshotUnavailableException>(() =>
            WriteAsync("b", 0, 1, new byte[1001])
        );
        Assert.Equal(
            "A snapshot of 1001 bytes is larger than the limit of all snapshots, 1000; raise Streaming:SnapshotMegabytes.",
            refusal.Message
        );
        Assert.Single(await Store.ListAsync("a", Token));
    }

    [Fact]
    public async Task A_smaller_limit_applies_from_the_next_start()
    {
        foreach (string id in (string[])["a", "b", "c"])
        {
            await WriteAsync(id, 0, 1, new byte[400]);
            File.SetLastWriteTimeUtc(
                Directory.EnumerateFiles(_folder.Path, "*.snapshot", SearchOption.AllDirectories).MaxBy(File.GetLastWriteTimeUtc)!,
                new DateTime(2026, 1, id[0] - 'a' + 1, 0, 0, 0, DateTimeKind.Utc)
            );
        }
        _limit = 900;
        await ReopenAsync();
        Assert.Empty(await Store.ListAsync("a", Token));
        Assert.Single(await Store.ListAsync("c", Token));
        Assert.Equal(800, BytesOnDisk());
    }

    [Fact]
    public async Task Unfinished_files_of_a_killed_host_are_deleted_at_the_next_start()
    {
        await WriteAsync("a", 0, 1, [1]);
        string halfWritten = Path.Combine(_folder.Path, "snapshots", Guid.NewGuid().ToString("N") + ".partial");
        await File.WriteAllBytesAsync(halfWritten, new byte[100], Token);
        await ReopenAsync();
        Assert.False(File.Exists(halfWritten));
        Assert.Equal(1, Files.Bytes);
        Assert.Equal([1], await ReadAsync("a", 0, 1));
    }

    [Fact]
    public async Task A_file_deleted_from_outside_is_absent()
    {
        await WriteAsync("a", 0, 1, [1]);
        File.Delete(Assert.Single(Directory.EnumerateFiles(_folder.Path, "*.snapshot", SearchOption.AllDirectories)));
        Assert.Null(await Store.OpenAsync(new SnapshotName("a", 0, 1), Token));
        await WriteAsync("a", 0, 2, [2]);
        Assert.Equal([2], await ReadAsync("a", 0, 2));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_reported_and_the_next_write_succeeds()
    {
        string root = Path.Combine(_folder.Path, "snapshots");
        Directory.Delete(root, recursive: true);
        await File.WriteAllTextAsync(root, "in the way", Token);
        SnapshotUnavailableException failure = await Assert.ThrowsAsync<SnapshotUnavailableException>(() => WriteAsync("a", 0, 1, [1]));
        Assert.Contains("look at the disk that holds it", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, Files.Bytes);
        File.Delete(root);
        Directory.CreateDirectory(root);
        Assert.True(await WriteAsync("a", 0, 1, [1]));
    }

    [Fact]
    public async Task Only_the_owner_may_read_the_files()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has other rights.");
        await WriteAsync("a", 0, 1, [1]);
        string file = Assert.Single(Directory.EnumerateFiles(_folder.Path, "*.snapshot", SearchOption.AllDirectories));
#pragma warning disable CA1416 // Skipped above.
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(file)!)
        );
#pragma warning restore CA1416
    }

    private long BytesOnDisk() =>
        new DirectoryInfo(Path.Combine(_folder.Path, "snapshots")).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
}
