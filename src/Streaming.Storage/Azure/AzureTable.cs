using System.Runtime.CompilerServices;
using Azure;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;
using Azure.Identity;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>
/// One table, asked once: what the store answers, or <see cref="LogUnavailableException"/> when it does not. The client must
/// not retry.
/// </summary>
/// <param name="client">The table.</param>
/// <param name="gate">Lets so many requests of this process through at a time.</param>
internal sealed class AzureTable(TableClient client, RequestLimiter gate)
{
    /// <summary>Azure's limit of a transaction.</summary>
    public const int MaxRows = 100;

    /// <summary>Azure's limit of a transaction, on what is sent.</summary>
    public const int MaxBytes = 4 << 20;

    private const int MaxPage = 1000; // Azure's limit of a query's page.
    private const int BytesAroundRow = 2 << 10; // Headers of its part, names and keys; generous.

    /// <summary>About what a row takes of a transaction, bytes.</summary>
    public static int SizeOf(TableEntity row) =>
        BytesAroundRow + ((IDictionary<string, object>)row).Values.OfType<byte[]>().Sum(value => (value.Length + 2) / 3 * 4);

    /// <summary>Makes the table, if it is not there.</summary>
    public Task EnsureAsync(CancellationToken cancellation) => AskAsync(() => client.CreateIfNotExistsAsync(cancellation), cancellation);

    /// <summary>A row, or null.</summary>
    /// <param name="partition">Its partition's key.</param>
    /// <param name="row">Its own key.</param>
    /// <param name="columns">The properties wanted; null for all.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public Task<TableEntity?> FindAsync(string partition, string row, IEnumerable<string>? columns, CancellationToken cancellation) =>
        AskAsync<TableEntity?>(
            async () =>
            {
                try
                {
                    return (await client.GetEntityAsync<TableEntity>(partition, row, columns, cancellation).ConfigureAwait(false)).Value;
                }
                catch (RequestFailedException e) when (IsMissingRow(e))
                {
                    return null;
                }
            },
            cancellation
        );

    /// <summary>Rows of a partition with keys in [from, until), in order; pages are no longer than there are rows wanted.</summary>
    public async IAsyncEnumerable<TableEntity> RangeAsync(
        string partition,
        string from,
        string until,
        long wanted,
        IEnumerable<string>? columns,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        string? next = null;
        do
        {
            var page = await PageAsync(partition, from, until, wanted, columns, next, cancellation).ConfigureAwait(false);
            foreach (var row in page.Values)
                yield return row;
            next = page.ContinuationToken;
        } while (next is not null);
    }

    /// <summary>A page of rows of a partition with keys in [from, until).</summary>
    public Task<Page<TableEntity>> PageAsync(
        string partition,
        string from,
        string until,
        long wanted,
        IEnumerable<string>? columns,
        string? continuation,
        CancellationToken cancellation
    ) =>
        AskAsync(
            async () =>
            {
                var filter = TableClient.CreateQueryFilter($"PartitionKey eq {partition} and RowKey ge {from} and RowKey lt {until}");
                var pages = client
                    .QueryAsync<TableEntity>(filter, (int)Math.Clamp(wanted, 1, MaxPage), columns, cancellation)
                    .AsPages(continuation);
                await foreach (var page in pages.ConfigureAwait(false))
                    return page;
                return Page<TableEntity>.FromValues([], null, null!);
            },
            cancellation
        );

    /// <summary>Stores a row, whether it is there or not.</summary>
    public Task UpsertAsync(TableEntity row, CancellationToken cancellation) =>
        AskAsync(() => client.UpsertEntityAsync(row, TableUpdateMode.Replace, cancellation), cancellation);

    /// <summary>Removes a row of a version, if it is still there in this version.</summary>
    public Task RemoveAsync(string partition, string row, ETag version, CancellationToken cancellation) =>
        AskAsync(
            async () =>
            {
                try
                {
                    return await client.DeleteEntityAsync(partition, row, version, cancellation).ConfigureAwait(false);
                }
                catch (RequestFailedException e) when (IsMissingRow(e) || e.Status == 412)
                {
                    return null;
                }
            },
            cancellation
        );

    /// <summary>
    /// Writes rows of one partition together. The first row's new version; null when a row was not in the state that the writes
    /// ask for, and nothing is written: or when they had taken effect before.
    /// </summary>
    public Task<ETag?> TryCommitAsync(IReadOnlyList<TableTransactionAction> writes, CancellationToken cancellation) =>
        AskAsync<ETag?>(
            async () =>
            {
                try
                {
                    var answers = await client.SubmitTransactionAsync(writes, cancellation).ConfigureAwait(false);
                    return answers.Value[0].Headers.ETag ?? default(ETag);
                }
                catch (RequestFailedException e)
                    when (IsMissingRow(e) || e.Status == 412 || e.ErrorCode == TableErrorCode.EntityAlreadyExists)
                {
                    return null;
                }
            },
            cancellation
        );

    private static bool IsMissingRow(RequestFailedException e) => e.Status == 404 && e.ErrorCode != TableErrorCode.TableNotFound;

    private async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        using var place = await gate.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status != 0)
        {
            throw new LogUnavailableException(
                $"Azure Storage answered {e.Status} ({e.ErrorCode ?? "without a code"}) for table {client.Name}; look at the account {client.AccountName}.",
                e
            );
        }
        catch (Exception e)
            when (e is RequestFailedException or IOException or AggregateException or AuthenticationFailedException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            )
        {
            throw new LogUnavailableException($"Azure Storage does not answer for table {client.Name} of account {client.AccountName}.", e);
        }
    }
}
