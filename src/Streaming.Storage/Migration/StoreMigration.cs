using Streaming.Clustering;

namespace Streaming.Storage.Migration;

/// <summary>Copies an embedded store into an account of Azure Storage, where a cluster goes on with it. The embedded store stays as it is.</summary>
public static class StoreMigration
{
    /// <summary>
    /// Copies grains' states, then one conversation after the other, each of which appears whole after what was written was read back and
    /// is what was read. Ended at any moment, it goes on where it was when it is run again; run again after its end, it changes nothing.
    /// Snapshots are not copied: a conversation's first reply rebuilds its slot from the log.
    /// </summary>
    /// <param name="dataDirectory">The folder of the embedded store.</param>
    /// <param name="account">The account.</param>
    /// <param name="report">Is told how far it is, now and then, from any thread, one at a time; null for nobody.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StoreMigrationException">The message is one sentence that says what was not moved, and what to do.</exception>
    /// <exception cref="StoreOpenException">A host has the embedded store open, it cannot be read, or the account does not answer.</exception>
    /// <exception cref="Log.LogUnavailableException">The account no longer answers: run it again.</exception>
    public static Task<StoreMigrationSummary> RunAsync(
        string dataDirectory,
        AzureAccount account,
        Action<StoreMigrationProgress>? report = null,
        CancellationToken cancellation = default
    ) => RunAsync(dataDirectory, new MigrationTarget(account, account.TablesWithRetries()), report, cancellation);

    /// <summary>The same, to a target with clients of its own.</summary>
    internal static async Task<StoreMigrationSummary> RunAsync(
        string dataDirectory,
        MigrationTarget target,
        Action<StoreMigrationProgress>? report,
        CancellationToken cancellation
    )
    {
        using MigrationSource source = MigrationSource.Open(dataDirectory);
        await target.OpenAsync(cancellation).ConfigureAwait(false);
        var run = new StoreMigrationRun(source, target, await source.CountAsync(cancellation).ConfigureAwait(false), report);
        return await run.RunAsync(cancellation).ConfigureAwait(false);
    }
}

/// <summary>How far a move is.</summary>
/// <param name="Conversations">Conversations that are there.</param>
/// <param name="Of">Conversations in all.</param>
/// <param name="Events">Their events.</param>
/// <param name="Ids">Their token ids.</param>
public sealed record StoreMigrationProgress(long Conversations, long Of, long Events, long Ids);

/// <summary>What a store that was moved comes to, over all runs that it took.</summary>
/// <param name="Conversations">Conversations, hidden ones too.</param>
/// <param name="Hidden">Those of them that are deleted and not yet erased.</param>
/// <param name="Events">Events.</param>
/// <param name="Ids">Token ids.</param>
/// <param name="Receipts">Receipts of messages.</param>
/// <param name="States">Grains' states.</param>
/// <param name="WasComplete">Whether an earlier run had moved it all, and this one did nothing.</param>
public sealed record StoreMigrationSummary(
    long Conversations,
    long Hidden,
    long Events,
    long Ids,
    long Receipts,
    long States,
    bool WasComplete
);

/// <summary>A store cannot be moved; the message is one sentence for whoever wanted it.</summary>
public sealed class StoreMigrationException(string message, Exception? inner = null) : Exception(message, inner);
