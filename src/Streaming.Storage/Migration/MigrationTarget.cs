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

/// <summary>The tables and the container in an account that a store is moved to.</summary>
internal sealed class MigrationTarget
{
    private readonly AzureTable _index;
    private readonly BlobContainerClient _states;

    /// <summary>The target.</summary>
    /// <param name="account">The account.</param>
    /// <param name="tables">Its tables; every write here may be sent twice.</param>
    public MigrationTarget(AzureAccount account, TableServiceClient tables)
    {
        var gate = new RequestLimiter();
        Name = $"{account.TableName("log")} of account {tables.AccountName}";
        Log = new AzureTable(tables.GetTableClient(account.TableName("log")), gate);
        _index = new AzureTable(tables.GetTableClient(account.TableName("index")), gate);
        Index = new HeadIndex(_index, Log, TimeProvider.System, NullLogger<HeadIndex>.Instance);
        _states = account.Blobs().GetBlobContainerClient(account.ContainerName(AzureStorageExtensions.GrainStates));
    }

    /// <summary>What it is called in sentences.</summary>
    public string Name { get; }

    /// <summary>The log's table.</summary>
    public AzureTable Log { get; }

    /// <summary>The lists.</summary>
    public HeadIndex Index { get; }

    /// <summary>Makes tables and container, if they are not there.</summary>
    /// <exception cref="StoreOpenException">The account does not answer, or not as it should.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        await AzureStore.OpenAsync([Log, _index], cancellation).ConfigureAwait(false);
        await AskAsync(() => _states.CreateIfNotExistsAsync(cancellationToken: cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>How far a move to here is; null when there was none.</summary>
    public async Task<MigrationState?> ReadStateAsync(CancellationToken cancellation) =>
        await Log.FindAsync(MigrationState.Key.Partition, MigrationState.Key.Row, null, cancellation).ConfigureAwait(false) is { } row
            ? MigrationState.From(row)
            : null;

    /// <summary>Says how far it is.</summary>
    public Task WriteStateAsync(MigrationState state, CancellationToken cancellation) => Log.UpsertAsync(state.ToRow(), cancellation);

    /// <summary>The head of a conversation; null when there is none.</summary>
    public async Task<AzureHead?> FindHeadAsync(string id, CancellationToken cancellation) =>
        await Log.FindAsync(TableKeys.Escape(id), AzureHead.RowKey, null, cancellation).ConfigureAwait(false) is { } row
            ? AzureHead.From(row)
            : null;

    /// <summary>Refuses a conversation that is here.</summary>
    /// <exception cref="StoreMigrationException">It is.</exception>
    public async Task RequireNoneAsync(SqliteFullHead head, CancellationToken cancellation)
    {
        string id = head.Stored.Head.Id;
        if (await FindHeadAsync(id, cancellation).ConfigureAwait(false) is not null)
            throw Taken(id);
    }

    /// <summary>Refuses a state that is here and another one.</summary>
    /// <exception cref="StoreMigrationException">It is.</exception>
    public async Task RequireSameOrNoneAsync(StoredGrainState state, CancellationToken cancellation)
    {
        if (await FindGrainStateAsync(state, cancellation).ConfigureAwait(false) is { } there && !there.AsSpan().SequenceEqual(state.State))
        {
            throw new StoreMigrationException(
                $"Container {_states.Name} has another '{state.Name}' of grain {state.Grain} than this store, so it is another service's: choose another Streaming:Azure:Prefix, or delete its tables and containers first."
            );
        }
    }

    /// <summary>Writes a state, where Orleans' provider of blobs looks for it, and reads it back.</summary>
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
                        return null; // It is there: of an earlier run, or of this request, whose first answer was lost.
                    }
                },
                cancellation
            )
            .ConfigureAwait(false);
        await RequireSameOrNoneAsync(state, cancellation).ConfigureAwait(false);
    }

    /// <summary>A conversation of this name that this move did not write.</summary>
    public StoreMigrationException Taken(string id) =>
        new(
            $"Conversation {id} is in {Name} already, and with other content than this store's: choose another Streaming:Azure:Prefix, or delete its tables and containers first."
        );

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
                $"Azure Storage {answer} for container {_states.Name} of account {_states.AccountName}: check Streaming:Azure and that this process may write its blobs, and run it again.",
                e
            );
        }
    }
}
