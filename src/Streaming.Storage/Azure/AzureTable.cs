using System.Runtime.CompilerServices;
using Azure;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;
using Azure.Identity;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>
/// A table. Each request is sent once; if the store does not answer, or answers with an error, it throws
/// <see cref="LogUnavailableException"/>. Where writes are conditional, the client must not retry.
/// </summary>
/// <param name="client">The table.</param>
/// <param name="limiter">Limits the concurrent requests of this process.</param>
internal sealed class AzureTable(TableClient client, RequestLimiter limiter)
{
    /// <summary>Azure's limit on the rows of a transaction.</summary>
    public const int MaxRows = 100;

    /// <summary>Azure's limit on the bytes of a transaction, as they are sent.</summary>
    public const int MaxBytes = 4 << 20;

    private const int MaxPage = 1000; // Azure's limit on a page of a query.
    private const int BytesAroundRow = 2 << 10; // For headers, names and keys; generous.

    /// <summary>Roughly the bytes that a row takes in a transaction.</summary>
    public static int SizeOf(TableEntity row) =>
        BytesAroundRow + ((IDictionary<string, object>)row).Values.OfType<byte[]>().Sum(value => (value.Length + 2) / 3 * 4);

    /// <summary>Creates the table if it is missing.</summary>
    public Task EnsureAsync(CancellationToken cancellation) => AskAsync(() => client.CreateIfNotExistsAsync(cancellation), cancellation);

    /// <summary>A row, or null if there is none.</summary>
    /// <param name="partition">The partition key.</param>
    /// <param name="row">The row key.</param>
    /// <param name="columns">The properties to read; null for all.</param>
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

    /// <summary>Rows of a partition with keys in [from, until), in order, read in pages of at most <paramref name="wanted"/>.</summary>
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
            Page<TableEntity> page = await PageAsync(partition, from, until, wanted, columns, next, cancellation).ConfigureAwait(false);
            foreach (TableEntity row in page.Values)
                yield return row;
            next = page.ContinuationToken;
        } while (next is not null);
    }

    /// <summary>A page of the rows of a partition with keys in [from, until).</summary>
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
                string filter = TableClient.CreateQueryFilter($"PartitionKey eq {partition} and RowKey ge {from} and RowKey lt {until}");
                IAsyncEnumerable<Page<TableEntity>> pages = client
                    .QueryAsync<TableEntity>(filter, (int)Math.Clamp(wanted, 1, MaxPage), columns, cancellation)
                    .AsPages(continuation);
                await foreach (Page<TableEntity>? page in pages.ConfigureAwait(false))
                    return page;
                return Page<TableEntity>.FromValues([], null, null!);
            },
            cancellation
        );

    /// <summary>Inserts or replaces a row.</summary>
    public Task UpsertAsync(TableEntity row, CancellationToken cancellation) =>
        AskAsync(() => client.UpsertEntityAsync(row, TableUpdateMode.Replace, cancellation), cancellation);

    /// <summary>Removes a row if it exists in a version.</summary>
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
    /// Writes rows of one partition in a transaction. Returns the first row's new version, or null if a row was not in the state that the
    /// writes require: nothing was written, or the same writes had taken effect before.
    /// </summary>
    public Task<ETag?> TryCommitAsync(IReadOnlyList<TableTransactionAction> writes, CancellationToken cancellation) =>
        AskAsync<ETag?>(
            async () =>
            {
                try
                {
                    Response<IReadOnlyList<Response>> answers = await client
                        .SubmitTransactionAsync(writes, cancellation)
                        .ConfigureAwait(false);
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
        using IDisposable place = await limiter.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status != 0)
        {
            throw new LogUnavailableException(
                $"Azure Storage answered {e.Status} ({e.ErrorCode ?? "without a code"}) for table {client.Name}; look at the "
                    + $"account {client.AccountName}.",
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
