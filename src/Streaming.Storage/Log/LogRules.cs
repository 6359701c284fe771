using System.Text;
using Streaming.Contracts.Conversations;

namespace Streaming.Storage.Log;

/// <summary>Checks of arguments and the next head, the same for every store.</summary>
internal static class LogRules
{
    private static readonly HashSet<string> StoredKinds =
    [
        EventKind.Message,
        EventKind.Started,
        EventKind.Delta,
        EventKind.Finished,
        EventKind.Cut,
        EventKind.Notice,
    ];

    /// <summary>Checks what can be checked without the head. Returns the append's size in bytes.</summary>
    /// <exception cref="ArgumentException">The append contradicts itself or is too large.</exception>
    public static int Check(LogAppend append)
    {
        long expected = append.ExpectedLastSeq + 1;
        foreach (LogEvent e in append.Events)
        {
            if (e.First != expected || e.Last < e.First)
                throw Wrong($"an event has the numbers {e.First} to {e.Last} where {expected} comes next");
            CheckEvent(e);
            expected = e.Last + 1;
        }

        foreach (int id in append.Ids.Span)
        {
            if (id < 0)
                throw Wrong($"{id} is not a token id");
        }

        if (append.Events.Count == 0 && append.CutTo is not null)
            throw Wrong("a cut needs its event");
        if (append.Events.Count == 0 && !append.Ids.IsEmpty && append.ExpectedPosition is null)
            throw Wrong("ids without an event need the expected position");

        long bytes = Size(append);
        return bytes <= LogAppend.MaxBytes
            ? (int)bytes
            : throw Wrong($"it has {bytes} bytes, and an append holds at most {LogAppend.MaxBytes}; split it");
    }

    /// <summary>The head that follows when an append is stored at this head.</summary>
    /// <exception cref="ArgumentException">The append contradicts the head.</exception>
    public static LogHead Advance(LogHead head, LogAppend append)
    {
        if (append.CutTo is { } cut && (cut < 0 || cut > head.Position))
            throw Wrong($"it cuts to position {cut} in a stream of {head.Position} tokens");
        if (append.LastTurn < head.LastTurn)
            throw Wrong($"the last turn goes down from {head.LastTurn} to {append.LastTurn}");
        return head with
        {
            LastSeq = append.Events.Count == 0 ? head.LastSeq : append.Events[^1].Last,
            Position = (append.CutTo ?? head.Position) + append.Ids.Length,
            Branch = append.CutTo is null ? head.Branch : head.Branch + 1,
            LastTurn = append.LastTurn,
            Running = append.Running,
            State = append.State,
            RequiredVersion = Math.Max(head.RequiredVersion, append.RequiredVersion),
            ActiveAt = append.ActiveAt?.ToUniversalTime() ?? head.ActiveAt,
        };
    }

    /// <summary>Refuses a second receipt for a message.</summary>
    public static ArgumentException SecondReceipt() => Wrong("it has a receipt for a message that already has one");

    /// <summary>Checks a range of positions.</summary>
    /// <exception cref="ArgumentException">The range is not one of a stream.</exception>
    public static void CheckRange(long from, long to)
    {
        if (from < 0 || to < from || to - from > Array.MaxLength)
            throw new ArgumentException($"Positions {from} to {to} are not a range of a stream.");
    }

    /// <summary>Checks that a conversation has a branch.</summary>
    /// <exception cref="ArgumentException">It has not.</exception>
    public static void CheckBranch(LogHead head, int branch)
    {
        if (branch < 0 || branch > head.Branch)
            throw new ArgumentException($"Conversation {head.Id} has branches 0 to {head.Branch}; there is no branch {branch}.");
    }

    private static void CheckEvent(LogEvent e)
    {
        if (!StoredKinds.Contains(e.Kind))
            throw Wrong($"event {e.Last} is of kind '{e.Kind}', which is not stored");
        bool isDelta = e.Kind == EventKind.Delta;
        if (!isDelta && e.First != e.Last)
            throw Wrong($"event {e.Last} is of kind '{e.Kind}' and covers more than one number");
        if (e.Lengths.Count == 0 && !isDelta)
            return;

        if (e.Lengths.Count != e.Last - e.First + 1)
            throw Wrong($"event {e.Last} has {e.Lengths.Count} lengths for {e.Last - e.First + 1} numbers");
        long sum = 0;
        foreach (int length in e.Lengths)
            sum += length >= 0 ? length : throw Wrong($"event {e.Last} has a negative length");
        if (sum != e.Text.Length)
            throw Wrong($"the lengths of event {e.Last} add up to {sum} and its text has {e.Text.Length}");
    }

    private static long Size(LogAppend append)
    {
        long bytes = Encoding.UTF8.GetByteCount(append.State) + (long)append.Ids.Length * sizeof(int);
        foreach (LogEvent e in append.Events)
            bytes += Encoding.UTF8.GetByteCount(e.Text) + Encoding.UTF8.GetByteCount(e.Detail ?? "") + e.Lengths.Count;
        return bytes;
    }

    private static ArgumentException Wrong(string what) => new($"An append to the log is wrong: {what}.");
}
