using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Grains.Persistence;

/// <summary>Makes events for the log, and converts stored events to those that watchers receive.</summary>
internal static class LogEvents
{
    /// <summary>A new event that takes one number.</summary>
    public static LogEvent At(long seq, string kind, int turn, DateTimeOffset now) =>
        new()
        {
            First = seq,
            Last = seq,
            Kind = kind,
            Turn = turn,
            At = now,
        };

    /// <summary>A whole stored event.</summary>
    public static ConversationEvent ToEvent(this LogEvent stored) => stored.ToEvent(stored.First);

    /// <summary>A stored event from a number on; of a group, only the text of the tokens from that number on.</summary>
    public static ConversationEvent ToEvent(this LogEvent stored, long from)
    {
        int skipped = 0;
        for (int i = 0; i < from - stored.First; i++)
            skipped += stored.Lengths[i];
        var detail = FinishDetail.Parse(stored.Detail);
        return new ConversationEvent
        {
            Seq = stored.Last,
            First = from == stored.Last ? null : from,
            Kind = stored.Kind,
            Turn = stored.Turn,
            Author = stored.Author,
            Text = stored.Text.Length == 0 && stored.Kind == EventKind.Started ? null : stored.Text[skipped..],
            At = stored.At,
            FinishReason = detail?.FinishReason,
            PromptTokens = detail?.PromptTokens,
            GeneratedTokens = detail?.GeneratedTokens,
            PrefillMs = detail?.PrefillMs,
            DecodeMs = detail?.DecodeMs,
        };
    }

    /// <summary>Events after a number; deltas of one turn are joined into ranges of at most <see cref="Limits.PieceLength"/>.</summary>
    public static IReadOnlyList<ConversationEvent> ToEvents(this IReadOnlyList<LogEvent> rows, long afterSeq)
    {
        var events = new List<ConversationEvent>();
        foreach (LogEvent row in rows)
        {
            ConversationEvent next = row.ToEvent(Math.Max(row.First, afterSeq + 1));
            if (events.Count > 0 && Joined(events[^1], next) is { } joined)
                events[^1] = joined;
            else
                events.Add(next);
        }
        return events;
    }

    private static ConversationEvent? Joined(ConversationEvent last, ConversationEvent next)
    {
        bool fits =
            last.Kind == EventKind.Delta
            && next.Kind == EventKind.Delta
            && last.Turn == next.Turn
            && (last.Text?.Length ?? 0) + (next.Text?.Length ?? 0) <= Limits.PieceLength;
        return fits ? next with { First = last.FirstSeq(), Text = last.Text + next.Text } : null;
    }
}
