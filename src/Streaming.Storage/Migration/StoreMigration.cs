using Streaming.Clustering;

namespace Streaming.Storage.Migration;

/// <summary>Copies an embedded store to an account of Azure Storage, where a cluster continues with it. The source is kept.</summary>
public static class StoreMigration
{
    /// <summary>
    /// Copies grain states, then conversations. A conversation appears, whole, after its rows were read back and compared. After an
    /// interruption, run it again to continue; after it is complete, another run changes nothing. Snapshots are not copied: a
    /// conversation's first reply rebuilds its slot from the log.
    /// </summary>
    /// <param name="dataDirectory">The folder of the embedded store.</param>
    /// <param name="account">The account.</param>
    /// <param name="report">Receives progress after each conversation, from any thread, one call at a time; may be null.</param>
    /// <param name="cancellation">Interrupts the copy.</param>
    /// <exception cref="StoreMigrationException">The message is one sentence: what was not copied, and what to do.</exception>
    /// <exception cref="StoreOpenException">A host has the store open, it cannot be read, or the account does not answer.</exception>
    /// <exception cref="Log.LogUnavailableException">The account no longer answers; run it again.</exception>
    public static async Task<StoreMigrationSummary> RunAsync(
        string dataDirectory,
        AzureAccount account,
        Action<StoreMigrationProgress>? report = null,
        CancellationToken cancellation = default
    )
    {
        using var target = new MigrationTarget(account, account.TablesWithRetries());
        return await RunAsync(dataDirectory, target, report, cancellation).ConfigureAwait(false);
    }

    /// <summary>The same, to a target with its own clients.</summary>
    internal static async Task<StoreMigrationSummary> RunAsync(
        string dataDirectory,
        MigrationTarget target,
        Action<StoreMigrationProgress>? report,
        CancellationToken cancellation
    )
    {
        using var source = MigrationSource.Open(dataDirectory);
        await target.OpenAsync(cancellation).ConfigureAwait(false);
        var run = new StoreMigrationRun(source, target, await source.CountAsync(cancellation).ConfigureAwait(false), report);
        return await run.RunAsync(cancellation).ConfigureAwait(false);
    }
}

/// <summary>How far the copy is.</summary>
/// <param name="Conversations">Conversations copied.</param>
/// <param name="Of">Conversations in all.</param>
/// <param name="Events">Their events.</param>
/// <param name="Ids">Their token ids.</param>
public sealed record StoreMigrationProgress(long Conversations, long Of, long Events, long Ids);

/// <summary>What was copied, in all runs together.</summary>
/// <param name="Conversations">Conversations, hidden ones too.</param>
/// <param name="Hidden">Those among them that are deleted and not yet erased.</param>
/// <param name="Events">Events.</param>
/// <param name="Ids">Token ids.</param>
/// <param name="Receipts">Receipts of messages.</param>
/// <param name="States">Grain states.</param>
/// <param name="WasComplete">Whether an earlier run had copied everything, so that this one did nothing.</param>
public sealed record StoreMigrationSummary(
    long Conversations,
    long Hidden,
    long Events,
    long Ids,
    long Receipts,
    long States,
    bool WasComplete
);

/// <summary>A store cannot be copied; the message is one sentence for the operator.</summary>
public sealed class StoreMigrationException(string message, Exception? inner = null) : Exception(message, inner);
