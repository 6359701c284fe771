using System.Text;
using Azure;
using Azure.Data.Tables;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>The row <c>head</c> of a conversation's partition: the head, and what only this store needs.</summary>
internal sealed record AzureHead
{
    /// <summary>The row's key.</summary>
    public const string RowKey = "head";

    private const string HasTitle = "HasTitle";

    /// <summary>The schema version of all rows that this program reads and writes.</summary>
    public const int Schema = 1;

    /// <summary>The most UTF-8 bytes of a state, so that it fits the row.</summary>
    public const int MaxStateBytes = 512 << 10;

    /// <summary>The properties that lists need.</summary>
    public static readonly string[] ListColumns =
    [
        nameof(Schema),
        nameof(LogHead.Id),
        nameof(LogHead.Owner),
        nameof(LogHead.CreatedAt),
        nameof(LogHead.ActiveAt),
        nameof(LogHead.HiddenAt),
        nameof(RunningSince),
        HasTitle,
        .. ByteProperties.Names(nameof(Title), ByteProperties.MaxBytesPerRow),
    ];

    /// <summary>The head.</summary>
    public required LogHead Head { get; init; }

    /// <summary>The title in the owner's list.</summary>
    public string? Title { get; init; }

    /// <summary>A random name, by which a creator recognises its own write after a lost response.</summary>
    public string Creation { get; init; } = "";

    /// <summary>Identifies the append that started the run; empty if the conversation is not running.</summary>
    public string RunningSince { get; init; } = "";

    /// <summary>Where the current branch starts.</summary>
    public long BranchStart { get; init; }

    /// <summary>The nearest earlier branch that has ids before the start.</summary>
    public int BranchParent { get; init; }

    /// <summary>The digest of the last append, by which its repetition is recognised; empty before the first.</summary>
    public byte[] LastAppend { get; init; } = [];

    /// <summary>The row's version, as it was read.</summary>
    public ETag ETag { get; init; }

    /// <summary>
    /// The row without the title, which is written separately: a merge keeps the stored title, and properties of newer versions.
    /// </summary>
    public TableEntity ToRow()
    {
        var row = new TableEntity(TableKeys.Escape(Head.Id), RowKey)
        {
            [nameof(Schema)] = Schema,
            [nameof(Head.Id)] = Head.Id,
            [nameof(Head.Owner)] = Head.Owner,
            [nameof(Head.CreatedAt)] = Head.CreatedAt.UtcTicks,
            [nameof(Head.ActiveAt)] = Head.ActiveAt.UtcTicks,
            [nameof(Head.HiddenAt)] = Head.HiddenAt?.UtcTicks ?? 0,
            [nameof(Head.Epoch)] = Head.Epoch,
            [nameof(Head.Writer)] = Head.Writer,
            [nameof(Head.LastSeq)] = Head.LastSeq,
            [nameof(Head.Position)] = Head.Position,
            [nameof(Head.Branch)] = Head.Branch,
            [nameof(Head.LastTurn)] = Head.LastTurn,
            [nameof(Creation)] = Creation,
            [nameof(RunningSince)] = RunningSince,
            [nameof(BranchStart)] = BranchStart,
            [nameof(BranchParent)] = BranchParent,
            [nameof(LastAppend)] = LastAppend,
        };
        if (Head.RequiredVersion > 1)
            row[nameof(Head.RequiredVersion)] = Head.RequiredVersion;
        ByteProperties.Write(row, nameof(Head.State), Encoding.UTF8.GetBytes(Head.State));
        return row;
    }

    /// <summary>The whole row of a new head.</summary>
    public TableEntity ToNewRow()
    {
        TableEntity row = ToRow();
        foreach ((string? name, object? value) in TitleRow(Head.Id, Title))
            row[name] = value;
        return row;
    }

    /// <summary>A row of the title alone, to be merged.</summary>
    public static TableEntity TitleRow(string id, string? title)
    {
        var row = new TableEntity(TableKeys.Escape(id), RowKey) { [HasTitle] = title is not null };
        ByteProperties.Write(row, nameof(Title), Encoding.UTF8.GetBytes(title ?? ""));
        return row;
    }

    /// <summary>A head from its row. Properties that were not read have their defaults.</summary>
    /// <exception cref="StoreOpenException">The row has another schema version.</exception>
    public static AzureHead From(TableEntity row)
    {
        int? schema = row.GetInt32(nameof(Schema));
        if (schema != Schema)
            throw StoreOpenException.OtherSchema($"Conversation {row.PartitionKey} in Azure Storage", schema, Schema);
        byte[] title = ByteProperties.Read(row, nameof(Title));
        string? running = row.GetString(nameof(RunningSince));
        return new AzureHead
        {
            Head = new LogHead
            {
                Id = row.GetString(nameof(Head.Id)),
                Owner = row.GetString(nameof(Head.Owner)),
                CreatedAt = Time(row, nameof(Head.CreatedAt)),
                ActiveAt = Time(row, nameof(Head.ActiveAt)),
                HiddenAt = row.GetInt64(nameof(Head.HiddenAt)) is > 0 and var hidden ? new DateTimeOffset(hidden, TimeSpan.Zero) : null,
                Epoch = row.GetInt64(nameof(Head.Epoch)) ?? 0,
                Writer = row.GetString(nameof(Head.Writer)) ?? "",
                LastSeq = row.GetInt64(nameof(Head.LastSeq)) ?? 0,
                Position = row.GetInt64(nameof(Head.Position)) ?? 0,
                Branch = row.GetInt32(nameof(Head.Branch)) ?? 0,
                LastTurn = row.GetInt32(nameof(Head.LastTurn)) ?? 0,
                Running = running.Length > 0,
                State = Encoding.UTF8.GetString(ByteProperties.Read(row, nameof(Head.State))),
                RequiredVersion = row.GetInt32(nameof(Head.RequiredVersion)) ?? 1,
            },
            Title = row.GetBoolean(HasTitle) ?? title.Length > 0 ? Encoding.UTF8.GetString(title) : null,
            Creation = row.GetString(nameof(Creation)) ?? "",
            RunningSince = running,
            BranchStart = row.GetInt64(nameof(BranchStart)) ?? 0,
            BranchParent = row.GetInt32(nameof(BranchParent)) ?? 0,
            LastAppend = row.GetBinary(nameof(LastAppend)) ?? [],
            ETag = row.ETag,
        };
    }

    private static DateTimeOffset Time(TableEntity row, string name) => new(row.GetInt64(name) ?? 0, TimeSpan.Zero);
}
