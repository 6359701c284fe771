using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Grains.Persistence;

/// <summary>Reads a conversation's past in pages; a page's cost does not depend on the conversation's length.</summary>
internal sealed class History(IConversationLog log, string id)
{
    private const int MaxRows = 2_000;
    private const int MaxTextBytes = 256 * 1024;

    /// <summary>Numbers that the first step backwards covers, and the most that a step covers.</summary>
    private const int FirstStride = 32,
        LongestStride = MaxRows;

    /// <summary>Stored events after a number.</summary>
    public async Task<EventPage> EventsAfterAsync(long afterSeq, long lastSeq)
    {
        if (afterSeq == lastSeq)
            return new EventPage([], lastSeq);
        IReadOnlyList<LogEvent> rows = await log.ReadEventsAsync(id, afterSeq + 1, lastSeq, MaxRows, MaxTextBytes);
        return new EventPage(rows.ToEvents(afterSeq), lastSeq);
    }

    /// <summary>The last turns, or pieces of long ones, whose numbers lie below <paramref name="before"/>; ascending.</summary>
    public async Task<TurnPage> TurnsBeforeAsync(long before, int take, CancellationToken cancellation = default)
    {
        var pieces = new LinkedList<Piece>();
        int textLength = 0,
            cutFrom = int.MaxValue;
        long upper = before;
        int stride = FirstStride;
        while (upper > 1)
        {
            (IReadOnlyList<LogEvent> rows, stride) = await RowsBelowAsync(upper, stride, cancellation);
            foreach (LogEvent row in rows.Reverse())
            {
                if (row.Kind == EventKind.Cut)
                    cutFrom = Math.Min(cutFrom, row.Turn);
                bool shown = row.Turn > 0 && row.Turn < cutFrom && row.Kind is not (EventKind.Cut or EventKind.Notice);
                if (shown && !(pieces.First?.Value.TryPrepend(row) ?? false))
                {
                    if (pieces.Count == take || textLength > MaxTextBytes)
                        return Page(pieces, upper);
                    pieces.AddFirst(new Piece(row));
                }
                if (shown)
                    textLength += row.Text.Length;
                upper = row.First;
            }
        }
        return Page(pieces, null);
    }

    /// <summary>
    /// The last rows that end below a number, ascending, and the stride of the next step. The store reads forwards, so the step begins
    /// again nearer to the number while its text exceeds <see cref="MaxTextBytes"/>; the last one may be a single, longer event.
    /// </summary>
    private async Task<(IReadOnlyList<LogEvent> Rows, int NextStride)> RowsBelowAsync(
        long upper,
        int stride,
        CancellationToken cancellation
    )
    {
        while (true)
        {
            long lower = Math.Max(1, upper - stride);
            IReadOnlyList<LogEvent> page = await log.ReadEventsAsync(id, lower, upper - 1, MaxRows, MaxTextBytes, cancellation);
            if (page.Count == 0)
                throw new InvalidOperationException($"The log of conversation {id} has no event {lower}.");
            if (page[^1].Last >= upper - 1)
                return (page, page.Sum(row => row.Text.Length) < MaxTextBytes / 8 ? Math.Min(4 * stride, LongestStride) : stride);
            stride = Math.Max(1, stride / 4);
        }
    }

    private static TurnPage Page(LinkedList<Piece> pieces, long? next) => new([.. pieces.SelectMany(p => p.ToItems())], next);

    /// <summary>Adjacent rows of one turn, collected backwards from the last one.</summary>
    private sealed class Piece(LogEvent last)
    {
        private readonly LinkedList<LogEvent> _rows = new([last]);
        private int _length = last.Text.Length;

        public bool TryPrepend(LogEvent row)
        {
            if (row.Turn != last.Turn || _length + row.Text.Length > Limits.PieceLength)
                return false;
            _rows.AddFirst(row);
            _length += row.Text.Length;
            return true;
        }

        /// <summary>One item, or several for a message that is longer than an item may be.</summary>
        public IEnumerable<TurnItem> ToItems()
        {
            string text = string.Concat(_rows.Select(r => r.Text));
            long start = _rows.First!.Value.TextOffset;
            int from = 0;
            do
            {
                int length = Math.Min(Limits.PieceLength, text.Length - from);
                if (length > 0 && char.IsHighSurrogate(text[from + length - 1]) && from + length < text.Length)
                    length--;
                yield return new TurnItem
                {
                    Turn = last.Turn,
                    Author = last.Author,
                    Text = text.Substring(from, length),
                    From = start + from,
                    Seq = last.Last,
                    FinishReason = FinishDetail.Parse(last.Detail)?.FinishReason,
                    At = _rows.First.Value.At,
                };
                from += length;
            } while (from < text.Length);
        }
    }
}
