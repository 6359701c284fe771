using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Storage.Log;
using Streaming.Storage.Sqlite;

namespace Streaming.Storage.Migration;

/// <summary>A grain's state as the embedded store has it.</summary>
internal sealed record StoredGrainState(string Name, string Grain, byte[] State);

/// <summary>Reads all of an embedded store in pages, while no host has it open; without snapshots, which are shortcuts.</summary>
internal sealed class MigrationSource : IDisposable
{
    private const int RowsPerPage = 1024;
    private const int TextPerPage = 1 << 20;

    private readonly SqliteStore _store;

    private MigrationSource(SqliteStore store) => _store = store;

    /// <summary>Opens the store in a folder.</summary>
    /// <exception cref="StoreMigrationException">The folder has none.</exception>
    /// <exception cref="StoreOpenException">A host has the store open, or it cannot be opened.</exception>
    public static MigrationSource Open(string folder)
    {
        if (!DataFolderLock.HasStore(folder))
            throw new StoreMigrationException(
                $"{Path.GetFullPath(folder)} holds no store to move: name the folder in the host's setting Streaming:Data."
            );
        var store = new SqliteStore(folder, NullLogger<SqliteStore>.Instance);
        store.Open();
        return new MigrationSource(store);
    }

    /// <summary>Heads in the order of their numbers, hidden ones too, after one of them.</summary>
    public Task<List<SqliteFullHead>> ReadHeadsAsync(long after, int take, CancellationToken cancellation) =>
        _store.ReadAsync(session => SqliteHeadRows.ReadAll(session, after, take), cancellation);

    /// <summary>The number of conversations, hidden ones too.</summary>
    public async Task<long> CountAsync(CancellationToken cancellation) =>
        await _store.ReadAsync(session => session.Number("SELECT count(*) FROM heads"), cancellation).ConfigureAwait(false) ?? 0;

    /// <summary>A conversation's events, in pages, in order.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogEvent>> ReadEventsAsync(long log, CancellationToken cancellation) =>
        PagesAsync(
            0L,
            (session, last) => SqliteEventRows.Read(session, log, last + 1, long.MaxValue, RowsPerPage, TextPerPage),
            e => e.Last,
            cancellation
        );

    /// <summary>A conversation's branches except branch 0.</summary>
    public IAsyncEnumerable<IReadOnlyList<(int Branch, long Start, int Parent)>> ReadBranchesAsync(
        long log,
        CancellationToken cancellation
    ) => PagesAsync(0, (session, last) => SqliteIdRows.ReadBranches(session, log, last, RowsPerPage), row => row.Branch, cancellation);

    /// <summary>A conversation's ids, by branch and position.</summary>
    public IAsyncEnumerable<IReadOnlyList<(int Branch, long Position, int[] Ids)>> ReadIdsAsync(long log, CancellationToken cancellation) =>
        PagesAsync(
            (Branch: 0, Position: -1L),
            (session, last) => SqliteIdRows.ReadAll(session, log, last.Branch, last.Position, RowsPerPage),
            row => (row.Branch, row.Position),
            cancellation
        );

    /// <summary>A conversation's receipts.</summary>
    public IAsyncEnumerable<IReadOnlyList<MessageReceipt>> ReadReceiptsAsync(long log, CancellationToken cancellation) =>
        PagesAsync(
            "",
            (session, last) => SqliteReceiptRows.ReadAll(session, log, last, RowsPerPage),
            receipt => receipt.MessageHash,
            cancellation
        );

    /// <summary>All grains' states.</summary>
    public IAsyncEnumerable<IReadOnlyList<StoredGrainState>> ReadStatesAsync(CancellationToken cancellation) =>
        PagesAsync(
            ("", ""),
            (session, last) =>
                session.All(
                    "SELECT name, grain, state FROM grain_states WHERE (name, grain) > ($name, $grain) ORDER BY name, grain LIMIT $take",
                    row => new StoredGrainState(row.GetString(0), row.GetString(1), row.GetFieldValue<byte[]>(2)),
                    ("$name", last.Item1),
                    ("$grain", last.Item2),
                    ("$take", 64)
                ),
            state => (state.Name, state.Grain),
            cancellation
        );

    /// <summary>A digest over all heads and grain states. It changes when a host uses the store again.</summary>
    public async Task<string> FingerprintAsync(CancellationToken cancellation)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            sha.AppendData(BitConverter.GetBytes(bytes.Length));
            sha.AppendData(bytes);
        }

        await foreach (
            IReadOnlyList<SqliteFullHead> page in PagesAsync(
                    0L,
                    (session, last) => SqliteHeadRows.ReadAll(session, last, RowsPerPage),
                    head => head.Stored.Log,
                    cancellation
                )
                .ConfigureAwait(false)
        )
        {
            foreach (SqliteFullHead head in page)
            {
                LogHead log = head.Stored.Head;
                Add(log.Id);
                Add(log.Owner);
                Add(head.Title is null ? "" : $"title {head.Title}");
                Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{log.CreatedAt.UtcTicks} {log.HiddenAt?.UtcTicks} {log.Epoch} {log.LastSeq} {log.Position}"
                    )
                );
                sha.AppendData(head.LastAppend);
            }
        }

        await foreach (IReadOnlyList<StoredGrainState> page in ReadStatesAsync(cancellation).ConfigureAwait(false))
        {
            foreach (StoredGrainState state in page)
            {
                Add(state.Name);
                Add(state.Grain);
                sha.AppendData(state.State);
            }
        }

        return Convert.ToHexString(sha.GetHashAndReset());
    }

    public void Dispose() => _store.Dispose();

    private async IAsyncEnumerable<IReadOnlyList<TRow>> PagesAsync<TRow, TKey>(
        TKey start,
        Func<SqliteSession, TKey, IReadOnlyList<TRow>> read,
        Func<TRow, TKey> keyOf,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation
    )
    {
        for (TKey last = start; ; )
        {
            TKey from = last;
            IReadOnlyList<TRow> page = await _store.ReadAsync(session => read(session, from), cancellation).ConfigureAwait(false);
            if (page.Count == 0)
                yield break;
            yield return page;
            last = keyOf(page[^1]);
        }
    }
}
