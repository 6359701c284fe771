using Azure.Data.Tables;
using Microsoft.Extensions.Logging;
using Streaming.Clustering;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>The log in an account, and its two tables.</summary>
internal sealed class AzureStore : IStoreHealth, IDisposable
{
    private readonly RequestLimiter _limiter = new();
    private readonly AzureTable _log;
    private readonly AzureTable _index;

    /// <summary>The store in an account.</summary>
    /// <param name="account">The account.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Receives list entries that could not be removed.</param>
    /// <param name="configure">Configures the tables' client further.</param>
    public AzureStore(AzureAccount account, TimeProvider time, ILogger<HeadIndex> logger, Action<TableClientOptions>? configure = null)
    {
        TableServiceClient tables = account.TablesWithoutRetries(configure);
        _log = new AzureTable(tables.GetTableClient(account.TableName("log")), _limiter);
        _index = new AzureTable(tables.GetTableClient(account.TableName("index")), _limiter);
        Log = new AzureConversationLog(_log, new HeadIndex(_index, _log, time, logger));
    }

    /// <summary>The log.</summary>
    public AzureConversationLog Log { get; }

    /// <inheritdoc/>
    public async Task<string?> FindProblemAsync(CancellationToken cancellation)
    {
        try
        {
            await _log.UpsertAsync(new TableEntity("health", "probe"), cancellation).ConfigureAwait(false);
            return null;
        }
        catch (LogUnavailableException e)
        {
            return e.Message;
        }
    }

    /// <summary>Creates the tables if they are missing.</summary>
    /// <exception cref="StoreOpenException">The account does not answer, or not as it should.</exception>
    public Task OpenAsync(CancellationToken cancellation) => OpenAsync([_log, _index], cancellation);

    /// <summary>Releases the limiter of requests.</summary>
    public void Dispose() => _limiter.Dispose();

    /// <summary>Creates tables if they are missing.</summary>
    /// <exception cref="StoreOpenException">The account does not answer, or not as it should.</exception>
    public static async Task OpenAsync(IEnumerable<AzureTable> tables, CancellationToken cancellation)
    {
        try
        {
            await Task.WhenAll(tables.Select(table => table.EnsureAsync(cancellation))).ConfigureAwait(false);
        }
        catch (LogUnavailableException e)
        {
            throw new StoreOpenException(
                $"{e.Message.TrimEnd('.')}: check Streaming:Azure, that the account can be reached from here, and that this process may "
                    + "write its tables.",
                e
            );
        }
    }
}
