using System.Globalization;
using Azure;
using Azure.Identity;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Streaming.Clustering;
using Streaming.Storage.Snapshots;

namespace Streaming.Storage.Azure;

/// <summary>
/// Snapshots as block blobs in a container, <c>ID!BRANCH10-POSITION19</c>. A blob appears, whole, when its blocks are committed. A
/// conversation has one, or a few between a newer one's commit and the older one's removal.
/// </summary>
internal sealed class AzureSnapshotStore : ISnapshotStore
{
    private readonly BlobContainerClient _container;

    /// <summary>The container of an account.</summary>
    public AzureSnapshotStore(AzureAccount account, Action<BlobClientOptions>? configure = null) =>
        _container = account.Blobs(configure).GetBlobContainerClient(account.ContainerName("snapshots"));

    /// <summary>Creates the container if it is missing.</summary>
    /// <exception cref="StoreOpenException">The account does not answer, or not as it should.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        try
        {
            await AskAsync(() => _container.CreateIfNotExistsAsync(cancellationToken: cancellation), cancellation).ConfigureAwait(false);
        }
        catch (SnapshotUnavailableException e)
        {
            throw new StoreOpenException(
                $"{e.Message.TrimEnd('.')}: check Streaming:Azure, that the account can be reached from here, and that this process may "
                    + "write its blobs.",
                e
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
        bool published = await AskAsync(() => CommitAsync(name, length, write, mayPublish, cancellation), cancellation)
            .ConfigureAwait(false);
        if (!published)
            return false;
        foreach (SnapshotName other in await ListAsync(name.ConversationId, cancellation).ConfigureAwait(false))
        {
            if (name.IsNewerThan(other))
                await RemoveAsync(other, cancellation).ConfigureAwait(false);
        }
        return true;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<SnapshotName>> ListAsync(string conversationId, CancellationToken cancellation = default) =>
        AskAsync<IReadOnlyList<SnapshotName>>(
            async () =>
            {
                string prefix = TableKeys.Escape(conversationId) + TableKeys.Separator;
                var names = new List<SnapshotName>();
                await foreach (
                    BlobItem blob in _container.GetBlobsAsync(new GetBlobsOptions { Prefix = prefix }, cancellation).ConfigureAwait(false)
                )
                {
                    string[] parts = blob.Name[prefix.Length..].Split('-');
                    names.Add(
                        new SnapshotName(
                            conversationId,
                            int.Parse(parts[0], CultureInfo.InvariantCulture),
                            long.Parse(parts[1], CultureInfo.InvariantCulture)
                        )
                    );
                }
                names.Reverse(); // Names sort by branch and position.
                return names;
            },
            cancellation
        );

    /// <inheritdoc/>
    public Task<Stream?> OpenAsync(SnapshotName name, CancellationToken cancellation = default) =>
        AskAsync<Stream?>(
            async () =>
            {
                try
                {
                    return (
                        await _container
                            .GetBlobClient(NameOf(name))
                            .DownloadStreamingAsync(cancellationToken: cancellation)
                            .ConfigureAwait(false)
                    )
                        .Value
                        .Content;
                }
                catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobNotFound)
                {
                    return null;
                }
            },
            cancellation
        );

    /// <inheritdoc/>
    public Task RemoveAsync(SnapshotName name, CancellationToken cancellation = default) =>
        AskAsync(() => _container.DeleteBlobIfExistsAsync(NameOf(name), cancellationToken: cancellation), cancellation);

    /// <inheritdoc/>
    public async Task EraseAsync(string conversationId, CancellationToken cancellation = default)
    {
        foreach (SnapshotName name in await ListAsync(conversationId, cancellation).ConfigureAwait(false))
            await RemoveAsync(name, cancellation).ConfigureAwait(false);
    }

    private async Task<bool> CommitAsync(
        SnapshotName name,
        long length,
        Func<Stream, CancellationToken, Task> write,
        Func<CancellationToken, Task<bool>> mayPublish,
        CancellationToken cancellation
    )
    {
        await using var blocks = new BlockBlobStream(_container.GetBlockBlobClient(NameOf(name)));
        await write(blocks, cancellation).ConfigureAwait(false);
        await blocks.FlushAsync(cancellation).ConfigureAwait(false);
        if (blocks.Written != length)
            throw new InvalidOperationException($"A snapshot of {length} bytes was announced, and {blocks.Written} were written.");
        if (!await mayPublish(cancellation).ConfigureAwait(false))
            return false;
        await blocks.CommitAsync(cancellation).ConfigureAwait(false);
        return true;
    }

    private static string NameOf(SnapshotName name) =>
        $"{TableKeys.Escape(name.ConversationId)}{TableKeys.Separator}{TableKeys.Branch(name.Branch)}-{TableKeys.Number(name.Position)}";

    private async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status != 0)
        {
            throw new SnapshotUnavailableException(
                $"Azure Storage answered {e.Status} ({e.ErrorCode ?? "without a code"}) for container {_container.Name}; look at the "
                    + $"account {_container.AccountName}.",
                e
            );
        }
        catch (Exception e)
            when (e is RequestFailedException or IOException or AggregateException or AuthenticationFailedException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            )
        {
            throw new SnapshotUnavailableException(
                $"Azure Storage does not answer for container {_container.Name} of account {_container.AccountName}.",
                e
            );
        }
    }
}
