using System.Security.Cryptography;
using Streaming.Storage.Snapshots;

namespace Streaming.Storage.Tests.Snapshots;

/// <summary>
/// What every snapshot store must do, tested through <see cref="ISnapshotStore"/> alone. A store's tests derive from this class
/// and add what is theirs.
/// </summary>
public abstract class SnapshotStoreContract : IAsyncLifetime
{
    // Larger than a block in Azure, and no multiple of it.
    private const int Large = (9 << 20) + 12_345;

    protected ISnapshotStore Store { get; private set; } = null!;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Opens the store: new and empty the first time, then as another process would find it.</summary>
    protected abstract Task<ISnapshotStore> OpenStoreAsync();

    public async ValueTask InitializeAsync() => Store = await OpenStoreAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>Opens the store again, as another process would.</summary>
    protected async Task ReopenAsync() => Store = await OpenStoreAsync();

    [Fact]
    public async Task A_snapshot_is_read_exactly_as_written_also_by_another_process()
    {
        byte[] content = RandomNumberGenerator.GetBytes(Large);
        Assert.True(await WriteAsync("c", 0, 17, content));
        Assert.Equal(content, await ReadAsync("c", 0, 17));
        await ReopenAsync();
        Assert.Equal([new SnapshotName("c", 0, 17)], await Store.ListAsync("c", Token));
        Assert.Equal(content, await ReadAsync("c", 0, 17));
    }

    [Fact]
    public async Task Without_snapshots_the_list_is_empty_and_there_is_no_stream()
    {
        Assert.Empty(await Store.ListAsync("nobody", Token));
        Assert.Null(await Store.OpenAsync(new SnapshotName("nobody", 0, 1), Token));
        await Store.RemoveAsync(new SnapshotName("nobody", 0, 1), Token);
        await Store.EraseAsync("nobody", Token);
        await WriteAsync("c", 0, 17, [1]);
        Assert.Null(await Store.OpenAsync(new SnapshotName("c", 1, 17), Token));
    }

    [Fact]
    public async Task A_snapshot_is_invisible_until_it_may_be_published()
    {
        bool asked = false;
        bool published = await Store.WriteAsync(
            new SnapshotName("c", 0, 17),
            Large,
            async (to, cancellation) => await to.WriteAsync(new byte[Large], cancellation),
            async cancellation =>
            {
                asked = true;
                Assert.Empty(await Store.ListAsync("c", cancellation));
                Assert.Null(await Store.OpenAsync(new SnapshotName("c", 0, 17), cancellation));
                return true;
            },
            Token
        );
        Assert.True(asked);
        Assert.True(published);
        Assert.Single(await Store.ListAsync("c", Token));
    }

    [Fact]
    public async Task A_snapshot_that_may_not_be_published_leaves_only_the_earlier_one()
    {
        await WriteAsync("c", 0, 17, [1, 2, 3]);
        Assert.False(await WriteAsync("c", 0, 40, [4, 5, 6], mayPublish: false));
        await ReopenAsync();
        Assert.Equal([new SnapshotName("c", 0, 17)], await Store.ListAsync("c", Token));
        Assert.Equal([1, 2, 3], await ReadAsync("c", 0, 17));
    }

    [Fact]
    public async Task A_writer_that_fails_halfway_leaves_only_the_earlier_snapshot()
    {
        await WriteAsync("c", 0, 17, [1, 2, 3]);
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Store.WriteAsync(
                new SnapshotName("c", 0, 40),
                Large,
                async (to, cancellation) =>
                {
                    await to.WriteAsync(new byte[Large - 1], cancellation);
                    throw new InvalidOperationException("as the test wants");
                },
                _ => Task.FromResult(true),
                Token
            )
        );
        await ReopenAsync();
        Assert.Equal([new SnapshotName("c", 0, 17)], await Store.ListAsync("c", Token));
        Assert.Equal([1, 2, 3], await ReadAsync("c", 0, 17));
    }

    [Fact]
    public async Task A_snapshot_shorter_than_announced_is_not_published()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Store.WriteAsync(
                new SnapshotName("c", 0, 17),
                10,
                async (to, cancellation) => await to.WriteAsync(new byte[9], cancellation),
                _ => Task.FromResult(true),
                Token
            )
        );
        Assert.Empty(await Store.ListAsync("c", Token));
    }

    [Fact]
    public async Task A_newer_snapshot_replaces_the_older_ones_of_its_conversation()
    {
        await WriteAsync("a", 0, 17, [1]);
        await WriteAsync("b", 0, 900, [2]);
        await WriteAsync("a", 0, 18, [3]);
        await WriteAsync("a", 1, 5, [4]); // A cut: another branch, back at an earlier position.
        Assert.Equal([new SnapshotName("a", 1, 5)], await Store.ListAsync("a", Token));
        Assert.Equal([new SnapshotName("b", 0, 900)], await Store.ListAsync("b", Token));
        Assert.Equal([4], await ReadAsync("a", 1, 5));
    }

    [Fact]
    public async Task A_late_snapshot_removes_no_newer_one()
    {
        await WriteAsync("c", 0, 40, [1]);
        await WriteAsync("c", 0, 17, [2]);
        Assert.Equal([new SnapshotName("c", 0, 40), new SnapshotName("c", 0, 17)], await Store.ListAsync("c", Token));
        await WriteAsync("c", 0, 41, [3]);
        Assert.Equal([new SnapshotName("c", 0, 41)], await Store.ListAsync("c", Token));
    }

    [Fact]
    public async Task A_snapshot_of_the_same_name_is_replaced()
    {
        await WriteAsync("c", 0, 17, [1, 2, 3]);
        await WriteAsync("c", 0, 17, [4]);
        Assert.Equal([new SnapshotName("c", 0, 17)], await Store.ListAsync("c", Token));
        Assert.Equal([4], await ReadAsync("c", 0, 17));
    }

    [Fact]
    public async Task Erasing_removes_all_snapshots_of_one_conversation_and_none_of_others()
    {
        await WriteAsync("c", 0, 40, [1]);
        await WriteAsync("c", 0, 17, [2]);
        await WriteAsync("c2", 0, 17, [3]); // Its id begins with the other's.
        await Store.EraseAsync("c", Token);
        Assert.Empty(await Store.ListAsync("c", Token));
        Assert.Null(await Store.OpenAsync(new SnapshotName("c", 0, 40), Token));
        Assert.Equal([3], await ReadAsync("c2", 0, 17));
        await ReopenAsync();
        Assert.Empty(await Store.ListAsync("c", Token));
        Assert.Single(await Store.ListAsync("c2", Token));
    }

    [Fact]
    public async Task Removing_a_snapshot_keeps_the_others()
    {
        await WriteAsync("c", 0, 40, [1]);
        await WriteAsync("c", 0, 17, [2]);
        await Store.RemoveAsync(new SnapshotName("c", 0, 40), Token);
        Assert.Equal([new SnapshotName("c", 0, 17)], await Store.ListAsync("c", Token));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("a/b/../c\\d")]
    [InlineData("Gespräch 会話 🙂 ?#%2F")]
    [InlineData("UPPER")]
    public async Task Ids_of_any_script_stay_distinct(string id)
    {
        await WriteAsync(id, 0, long.MaxValue, [1]);
        await WriteAsync(id.ToLowerInvariant() + "x", 0, 2, [2]);
        await ReopenAsync();
        Assert.Equal([new SnapshotName(id, 0, long.MaxValue)], await Store.ListAsync(id, Token));
        Assert.Equal([1], await ReadAsync(id, 0, long.MaxValue));
    }

    [Fact]
    public async Task A_snapshot_removed_while_it_is_read_is_read_to_the_end_or_fails()
    {
        byte[] content = RandomNumberGenerator.GetBytes(Large);
        await WriteAsync("c", 0, 17, content);
        await using Stream? stream = await Store.OpenAsync(new SnapshotName("c", 0, 17), Token);
        byte[] read = new byte[content.Length];
        await stream!.ReadExactlyAsync(read.AsMemory(0, 1000), Token);
        await Store.EraseAsync("c", Token);
        await stream.ReadExactlyAsync(read.AsMemory(1000), Token);
        Assert.Equal(content, read);
    }

    [Fact]
    public async Task Concurrent_writers_each_find_their_own_snapshot()
    {
        await Task.WhenAll(Enumerable.Range(0, 24).Select(i => WriteAsync($"c{i % 8}", 0, i, [(byte)i])));
        for (int i = 16; i < 24; i++)
        {
            Assert.Equal(new SnapshotName($"c{i % 8}", 0, i), (await Store.ListAsync($"c{i % 8}", Token))[0]);
            Assert.Equal([(byte)i], await ReadAsync($"c{i % 8}", 0, i));
        }
    }

    protected Task<bool> WriteAsync(string id, int branch, long position, byte[] content, bool mayPublish = true) =>
        Store.WriteAsync(
            new SnapshotName(id, branch, position),
            content.Length,
            async (to, cancellation) => await to.WriteAsync(content, cancellation),
            _ => Task.FromResult(mayPublish),
            Token
        );

    protected async Task<byte[]> ReadAsync(string id, int branch, long position)
    {
        await using Stream? stream = await Store.OpenAsync(new SnapshotName(id, branch, position), Token);
        Assert.NotNull(stream);
        using var content = new MemoryStream();
        await stream.CopyToAsync(content, Token);
        return content.ToArray();
    }
}
