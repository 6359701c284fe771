using Azure.Data.Tables;
using Streaming.Storage.Azure;
using Streaming.Storage.Sqlite;

namespace Streaming.Storage.Migration;

/// <summary>How far the copy is: a row of the target's log, in a partition that no conversation has.</summary>
internal sealed record MigrationState
{
    /// <summary>The row's keys: no escaped id contains the separator.</summary>
    public static (string Partition, string Row) Key { get; } = ($"move{TableKeys.Separator}", "mark");

    /// <summary>The embedded store's fingerprint.</summary>
    public required string Source { get; init; }

    /// <summary>Whether all grain states are copied.</summary>
    public bool HasStates { get; init; }

    /// <summary>The number of the last conversation of those that are all copied.</summary>
    public long After { get; init; }

    /// <summary>Whether everything is copied.</summary>
    public bool IsComplete { get; init; }

    /// <summary>Conversations copied.</summary>
    public long Conversations { get; init; }

    /// <summary>Hidden ones among them.</summary>
    public long Hidden { get; init; }

    /// <summary>Their events.</summary>
    public long Events { get; init; }

    /// <summary>Their token ids.</summary>
    public long Ids { get; init; }

    /// <summary>Their receipts.</summary>
    public long Receipts { get; init; }

    /// <summary>Grain states copied.</summary>
    public long States { get; init; }

    /// <summary>The state after one more conversation.</summary>
    public MigrationState Plus(SqliteFullHead head, ContentSummary sum) =>
        this with
        {
            Conversations = Conversations + 1,
            Hidden = Hidden + (head.Stored.Head.HiddenAt is null ? 0 : 1),
            Events = Events + sum.Events,
            Ids = Ids + sum.Ids,
            Receipts = Receipts + sum.Receipts,
        };

    /// <summary>As a row.</summary>
    public TableEntity ToRow() =>
        new(Key.Partition, Key.Row)
        {
            [nameof(Source)] = Source,
            [nameof(HasStates)] = HasStates,
            [nameof(After)] = After,
            [nameof(IsComplete)] = IsComplete,
            [nameof(Conversations)] = Conversations,
            [nameof(Hidden)] = Hidden,
            [nameof(Events)] = Events,
            [nameof(Ids)] = Ids,
            [nameof(Receipts)] = Receipts,
            [nameof(States)] = States,
        };

    /// <summary>From a row.</summary>
    public static MigrationState From(TableEntity row) =>
        new()
        {
            Source = row.GetString(nameof(Source)),
            HasStates = row.GetBoolean(nameof(HasStates)) ?? false,
            After = Number(row, nameof(After)),
            IsComplete = row.GetBoolean(nameof(IsComplete)) ?? false,
            Conversations = Number(row, nameof(Conversations)),
            Hidden = Number(row, nameof(Hidden)),
            Events = Number(row, nameof(Events)),
            Ids = Number(row, nameof(Ids)),
            Receipts = Number(row, nameof(Receipts)),
            States = Number(row, nameof(States)),
        };

    private static long Number(TableEntity row, string name) => row.GetInt64(name) ?? 0;
}
