using Azure;
using Azure.Data.Tables;
using Azure.Identity;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Clustering;
using Streaming.Storage.Azure;
using Streaming.Storage.Sqlite;

namespace Streaming.Storage.Migration;

/// <summary>The tables and the container of the account that a store is copied to.</summary>
internal sealed class MigrationTarget : IDisposable
{
    private readonly RequestLimiter _limiter = new();
    private readonly AzureTable _index;
    private readonly BlobContainerClient _states;

    /// <summary>The target in an account.</summary>
    /// <param name="account">The account.</param>
    /// <param name="tables">Its tables. The client may retry, since every write here may be sent twice.</param>
    public MigrationTarget(AzureAccount account, TableServiceClient tables)
    {
        Name = $"{account.TableName("log")} of account {tables.AccountName}";
        Log = new AzureTable(tables.GetTableClient(account.TableName("log")), _limiter);
        _index = new AzureTable(tables.GetTableClient(account.TableName("index")), _limiter);
        Index = new HeadIndex(_index, Log, TimeProvider.System, NullLogger<HeadIndex>.Instance);
        _states = account.Blobs().GetBlobContainerClient(account.ContainerName(AzureStorageExtensions.GrainStates));
    }

    /// <summary>Its name in messages.</summary>
    public string Name { get; }

    /// <summary>The log's table.</summary>
    public AzureTable Log { get; }

    /// <summary>The lists.</summary>
    public HeadIndex Index { get; }

    /// <summary>Creates tables and container if they are missing.</summary>
    /// <exception cref="StoreOpenException">The account does not answer, or not as it should.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        await AzureStore.OpenAsync([Log, _index], cancellation).ConfigureAwait(false);
        await AskAsync(() => _states.CreateIfNotExistsAsync(cancellationToken: cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>How far the copy is; null if none has begun.</summary>
    public async Task<MigrationState?> ReadStateAsync(CancellationToken cancellation) =>
        await Log.FindAsync(MigrationState.Key.Partition, MigrationState.Key.Row, null, cancellation).ConfigureAwait(false) is { } row
            ? MigrationState.From(row)
            : null;

    /// <summary>Stores how far the copy is.</summary>
    public Task WriteStateAsync(MigrationState state, CancellationToken cancellation) => Log.UpsertAsync(state.ToRow(), cancellation);

    /// <summary>The head of a conversation, or null.</summary>
    public async Task<AzureHead?> FindHeadAsync(string id, CancellationToken cancellation) =>
        await Log.FindAsync(TableKeys.Escape(id), AzureHead.RowKey, null, cancellation).ConfigureAwait(false) is { } row
            ? AzureHead.From(row)
            : null;

    /// <summary>Checks that the target does not have a conversation.</summary>
    /// <exception cref="StoreMigrationException">It has.</exception>
    public async Task RequireNoneAsync(SqliteFullHead head, CancellationToken cancellation)
    {
        string id = head.Stored.Head.Id;
        if (await FindHeadAsync(id, cancellation).ConfigureAwait(false) is not null)
            throw Conflict(id);
    }

    /// <summary>Checks that the target has the same grain state, or none.</summary>
    /// <exception cref="StoreMigrationException">It has another.</exception>
    public async Task RequireSameOrNoneAsync(StoredGrainState state, CancellationToken cancellation)
    {
        if (await FindGrainStateAsync(state, cancellation).ConfigureAwait(false) is { } there && !there.AsSpan().SequenceEqual(state.State))
        {
            throw new StoreMigrationException(
                $"Container {_states.Name} has another '{state.Name}' of grain {state.Grain} than this store, so it is another service's: "
                    + "choose another Streaming:Azure:Prefix, or delete its tables and containers first."
            );
        }
    }

    /// <summary>Writes a grain state where Orleans' blob provider looks for it, and reads it back.</summary>
    public async Task WriteGrainStateAsync(StoredGrainState state, CancellationToken cancellation)
    {
        await AskAsync<object?>(
                async () =>
                {
                    try
                    {
                        var ifNone = new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } };
                        return await BlobOf(state)
                            .UploadAsync(BinaryData.FromBytes(state.State), ifNone, cancellation)
                            .ConfigureAwait(false);
                    }
                    catch (RequestFailedException e) when (e.Status is 409 or 412)
                    {
                        return null; // The blob exists: from an earlier run, or from this request, whose first answer was lost.
                    }
                },
                cancellation
            )
            .ConfigureAwait(false);
        await RequireSameOrNoneAsync(state, cancellation).ConfigureAwait(false);
    }

    /// <summary>The target has another conversation of this id.</summary>
    public StoreMigrationException Conflict(string id) =>
        new(
            $"Conversation {id} is in {Name} already, with other content than in this store: choose another Streaming:Azure:Prefix, or "
                + "delete its tables and containers first."
        );

    /// <summary>Releases the limiter of requests.</summary>
    public void Dispose() => _limiter.Dispose();

    private Task<byte[]?> FindGrainStateAsync(StoredGrainState state, CancellationToken cancellation) =>
        AskAsync<byte[]?>(
            async () =>
            {
                try
                {
                    return (await BlobOf(state).DownloadContentAsync(cancellation).ConfigureAwait(false)).Value.Content.ToArray();
                }
                catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobNotFound)
                {
                    return null;
                }
            },
            cancellation
        );

    private BlobClient BlobOf(StoredGrainState state) => _states.GetBlobClient($"{state.Name}-{state.Grain}.json");

    private async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (Exception e)
            when (e is RequestFailedException or IOException or AggregateException or AuthenticationFailedException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            )
        {
            string answer = e is RequestFailedException { Status: not 0 } refused
                ? $"answered {refused.Status} ({refused.ErrorCode})"
                : "does not answer";
            throw new StoreMigrationException(
                $"Azure Storage {answer} for container {_states.Name} of account {_states.AccountName}: check Streaming:Azure and that "
                    + "this process may write its blobs, and run it again.",
                e
            );
        }
    }
}
