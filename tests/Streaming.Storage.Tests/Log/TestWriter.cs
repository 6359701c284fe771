using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>Writes one conversation as an activation does: it knows the head and makes appends that follow it.</summary>
public sealed class TestWriter(IConversationLog log, LogHead head)
{
    public static readonly DateTimeOffset Start = new(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public LogHead Head { get; private set; } = head;

    public string Id => Head.Id;

    /// <summary>Creates a conversation and opens it.</summary>
    public static async Task<TestWriter> CreateAsync(
        IConversationLog log,
        string id = "conversation",
        string owner = "owner",
        DateTimeOffset? at = null
    )
    {
        await log.CreateAsync(new NewLog(id, owner, null, at ?? Start), TestContext.Current.CancellationToken);
        return await OpenAsync(log, id);
    }

    public static async Task<TestWriter> OpenAsync(IConversationLog log, string id = "conversation") =>
        new(log, await log.OpenForWritingAsync(id, Guid.NewGuid().ToString("N"), TestContext.Current.CancellationToken));

    /// <summary>An append that changes nothing; set what it should change.</summary>
    public LogAppend Next() =>
        new()
        {
            Epoch = Head.Epoch,
            ExpectedLastSeq = Head.LastSeq,
            ExpectedPosition = Head.Position,
            LastTurn = Head.LastTurn,
            Running = Head.Running,
            State = Head.State,
        };

    /// <summary>A user's message, with a receipt if it has a hash.</summary>
    public LogAppend Message(string text, string? hash = null, DateTimeOffset? at = null) =>
        Next() with
        {
            LastTurn = Head.LastTurn + 1,
            Running = true,
            ActiveAt = at,
            Events =
            [
                new LogEvent
                {
                    First = Head.LastSeq + 1,
                    Last = Head.LastSeq + 1,
                    Kind = EventKind.Message,
                    Turn = Head.LastTurn + 1,
                    Author = "owner",
                    Text = text,
                    At = at ?? Start,
                },
            ],
            Receipt = hash is null ? null : new MessageReceipt(hash, $"text of {hash}", Head.LastTurn + 1, Head.LastSeq + 1),
        };

    /// <summary>A group of a reply: one token per text; a token's id is its position.</summary>
    public LogAppend Group(params string[] texts) =>
        Next() with
        {
            Events =
            [
                new LogEvent
                {
                    First = Head.LastSeq + 1,
                    Last = Head.LastSeq + texts.Length,
                    Kind = EventKind.Delta,
                    Turn = Head.LastTurn,
                    Text = string.Concat(texts),
                    Lengths = [.. texts.Select(text => text.Length)],
                    At = Start,
                },
            ],
            Ids = Ids(Head.Position, texts.Length),
        };

    /// <summary>A cut, and ids on the new branch: position plus 1,000 times the branch.</summary>
    public LogAppend Cut(long to, int ids = 0) =>
        Next() with
        {
            Events =
            [
                new LogEvent
                {
                    First = Head.LastSeq + 1,
                    Last = Head.LastSeq + 1,
                    Kind = EventKind.Cut,
                    Turn = Head.LastTurn,
                    At = Start,
                },
            ],
            CutTo = to,
            Ids = Ids(to + (1000L * (Head.Branch + 1)), ids),
        };

    public async Task<LogHead> AppendAsync(LogAppend append) =>
        Head = await log.AppendAsync(Id, append, TestContext.Current.CancellationToken);

    public static int[] Ids(long from, int count) => [.. Enumerable.Range((int)from, count)];
}
