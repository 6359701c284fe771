using Azure;
using Azure.Data.Tables;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>
/// The log in tables of Azure Storage, one partition per conversation. An append writes its rows and the head in one transaction, on
/// condition that the head is still the version that was read. After a write that failed or was refused, the head is read back, since the
/// write may have taken effect although its answer was lost.
/// </summary>
internal sealed partial class AzureConversationLog(AzureTable log, HeadIndex index) : IConversationLog
{
    // Each round of a race for a head has one winner, so this many writers can race.
    private const int MaxAttempts = 64;

    private readonly HeadCache _running = new();

    /// <inheritdoc/>
    public async Task CreateAsync(NewLog log, CancellationToken cancellation = default)
    {
        var created = new AzureHead
        {
            Head = new LogHead
            {
                Id = log.Id,
                Owner = log.Owner,
                CreatedAt = log.At.ToUniversalTime(),
                ActiveAt = log.At.ToUniversalTime(),
            },
            Title = log.Title,
            Creation = Guid.NewGuid().ToString("N"),
        };
        await index.AddAsync(null, created, cancellation).ConfigureAwait(false);
        ETag? stored = await CommitAsync(
                log.Id,
                [new(TableTransactionActionType.Add, created.ToNewRow())],
                now => now?.Creation == created.Creation,
                cancellation
            )
            .ConfigureAwait(false);
        if (stored is not null)
            return;
        await index.RemoveAsync(created, await FindHeadAsync(log.Id, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
        throw new LogExistsException(log.Id);
    }

    /// <inheritdoc/>
    public async Task<LogHead> OpenForWritingAsync(string id, string writer, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(writer);
        // A writer has usually just read the head, so the cached one is tried first.
        AzureHead? known = _running.Find(id) is { } running && running.Head.Writer != writer ? running : null;
        _running.Forget(id);
        for (int attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            AzureHead before = known ?? await GetHeadAsync(id, cancellation).ConfigureAwait(false);
            known = null;
            if (before.Head.HiddenAt is not null)
                throw LogFencedException.Hidden(id);
            LogVersionException.ThrowIfNewer(before.Head);
            if (before.Head.Writer == writer)
                return Known(before);
            AzureHead opened = before with { Head = before.Head with { Epoch = before.Head.Epoch + 1, Writer = writer } };
            if (
                await CommitAsync(id, [Replacing(before, opened)], now => now?.Head.Writer == writer, cancellation).ConfigureAwait(false) is
                { } version
            )
                return Known(opened with { ETag = version });
        }

        throw Contended(id);
    }

    /// <inheritdoc/>
    public async Task<LogHead> AppendAsync(string id, LogAppend append, CancellationToken cancellation = default)
    {
        var prepared = AzurePreparedAppend.From(id, append);
        AzureHead? known = _running.Find(id);
        _running.Forget(id);
        AzureHead? refused = null;
        for (int attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            AzureHead before =
                known is not null && prepared.Follows(known.Head) ? known : await GetHeadAsync(id, cancellation).ConfigureAwait(false);
            known = null;
            if (!prepared.Follows(before.Head))
                return prepared.Made(before) ? Known(before) : throw LogFencedException.Stale(before.Head, append);
            if (before.ETag == refused?.ETag)
                await ThrowWhyRefusedAsync(prepared, before, cancellation).ConfigureAwait(false);
            LogVersionException.ThrowIfNewer(before.Head);
            AzureHead after = await AdvanceAsync(before, prepared, cancellation).ConfigureAwait(false);
            IReadOnlyList<TableTransactionAction> writes = prepared.Writes(before, after);
            await index.AddAsync(before, after, cancellation).ConfigureAwait(false);
            ETag? stored = await CommitAsync(id, writes, now => now is not null && prepared.Made(now), cancellation).ConfigureAwait(false);
            if (stored is not null)
            {
                await index.RemoveAsync(before, after).ConfigureAwait(false);
                return Known(after with { ETag = stored.Value });
            }

            refused = before;
        }

        throw Contended(id);
    }

    /// <inheritdoc/>
    public async Task RetitleAsync(string id, string? title, CancellationToken cancellation = default)
    {
        // Unconditional: the last title wins, and writing one twice changes nothing.
        var write = new TableTransactionAction(TableTransactionActionType.UpdateMerge, AzureHead.TitleRow(id, title), ETag.All);
        if (await log.TryCommitAsync([write], cancellation).ConfigureAwait(false) is null)
            throw new LogMissingException(id);
    }

    /// <inheritdoc/>
    public async Task HideAsync(string id, DateTimeOffset at, CancellationToken cancellation = default)
    {
        for (int attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            AzureHead before = await GetHeadAsync(id, cancellation).ConfigureAwait(false);
            if (before.Head.HiddenAt is not null)
                return;
            LogVersionException.ThrowIfNewer(before.Head);
            AzureHead hidden = before with
            {
                Head = before.Head with { HiddenAt = at.ToUniversalTime(), Epoch = before.Head.Epoch + 1, Writer = "" },
            };
            await index.AddAsync(before, hidden, cancellation).ConfigureAwait(false);
            if (
                await CommitAsync(id, [Replacing(before, hidden)], now => now?.Head.HiddenAt == hidden.Head.HiddenAt, cancellation)
                    .ConfigureAwait(false)
                is null
            )
                continue;
            _running.Forget(id);
            await index.RemoveAsync(before, hidden).ConfigureAwait(false);
            return;
        }

        throw Contended(id);
    }

    /// <inheritdoc/>
    public async Task EraseAsync(string id, CancellationToken cancellation = default)
    {
        if (await FindHeadAsync(id, cancellation).ConfigureAwait(false) is not { } stored)
            return;
        if (stored.Head.HiddenAt is null)
            throw new InvalidOperationException($"Conversation {id} is not hidden; hide it before it is erased.");
        LogVersionException.ThrowIfNewer(stored.Head);
        await AzureErasure.RunAsync(log, TableKeys.Escape(id), cancellation).ConfigureAwait(false);
        // Also removes list entries that hiding left behind.
        await index.RemoveAsync(stored with { Head = stored.Head with { HiddenAt = null } }, null).ConfigureAwait(false);
        await index.RemoveAsync(stored, null).ConfigureAwait(false);
    }

    /// <summary>
    /// Commits writes. Returns the head's new version, or null if they were refused. A write that was refused or not answered may still
    /// have taken effect; then the head, read back, satisfies <paramref name="isMine"/>.
    /// </summary>
    private async Task<ETag?> CommitAsync(
        string id,
        IReadOnlyList<TableTransactionAction> writes,
        Func<AzureHead?, bool> isMine,
        CancellationToken cancellation
    )
    {
        LogUnavailableException? silence = null;
        try
        {
            if (await log.TryCommitAsync(writes, cancellation).ConfigureAwait(false) is { } version)
                return version;
        }
        catch (LogUnavailableException e)
        {
            silence = e;
        }

        AzureHead? now = await FindHeadAsync(id, cancellation).ConfigureAwait(false);
        if (isMine(now))
            return now!.ETag;
        return silence is null ? null : throw silence;
    }

    /// <summary>The head after an append.</summary>
    private async Task<AzureHead> AdvanceAsync(AzureHead before, AzurePreparedAppend prepared, CancellationToken cancellation)
    {
        AzureHead advanced = before with
        {
            Head = LogRules.Advance(before.Head, prepared.Append),
            LastAppend = prepared.Digest,
            // The same for a repeated append, and different for each run.
            RunningSince =
                !prepared.Append.Running ? ""
                : before.Head.Running ? before.RunningSince
                : Convert.ToHexString(prepared.Digest.AsSpan(0, 8)),
        };
        if (prepared.Append.CutTo is not { } start)
            return advanced;
        BranchOrigin origin = await AzureIdRows.NextBranchAsync(log, before, start, cancellation).ConfigureAwait(false);
        return advanced with { BranchStart = origin.Start, BranchParent = origin.Parent };
    }

    /// <summary>Finds out why the store refused an append that follows the head: another row is in the way.</summary>
    private async Task ThrowWhyRefusedAsync(AzurePreparedAppend prepared, AzureHead before, CancellationToken cancellation)
    {
        string id = before.Head.Id;
        if (
            prepared.Append.Receipt is { } receipt
            && await AzureReceiptRows.FindAsync(log, TableKeys.Escape(id), receipt.MessageHash, cancellation).ConfigureAwait(false)
                is not null
        )
            throw LogRules.SecondReceipt();
        throw new LogUnavailableException(
            $"Conversation {id} has rows beyond its head in Azure Storage; restore its partition from a copy.",
            new InvalidDataException("A row of the append already exists.")
        );
    }

    private LogHead Known(AzureHead stored)
    {
        _running.Set(stored);
        return stored.Head;
    }

    private async Task<AzureHead?> FindHeadAsync(string id, CancellationToken cancellation) =>
        await log.FindAsync(TableKeys.Escape(id), AzureHead.RowKey, null, cancellation).ConfigureAwait(false) is { } row
            ? AzureHead.From(row)
            : null;

    private async Task<AzureHead> GetHeadAsync(string id, CancellationToken cancellation) =>
        await FindHeadAsync(id, cancellation).ConfigureAwait(false) ?? throw new LogMissingException(id);

    private static TableTransactionAction Replacing(AzureHead before, AzureHead after) =>
        new(TableTransactionActionType.UpdateMerge, after.ToRow(), before.ETag);

    private static LogUnavailableException Contended(string id) =>
        new($"Other writers changed the head of conversation {id} {MaxAttempts} times in a row; try again.", new TimeoutException());
}
