using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>A conversation's stored events, by number: what the real log answers, kept in memory.</summary>
internal sealed class FakeLog(string? author = null)
{
    private readonly Lock _gate = new();
    private readonly List<(string Kind, int Turn, string? Text)> _numbers = [];

    public static DateTimeOffset At { get; } = new(2026, 1, 31, 12, 0, 0, 250, TimeSpan.Zero);

    public long LastSeq
    {
        get
        {
            lock (_gate)
                return _numbers.Count;
        }
    }

    public long Reads { get; private set; }

    /// <summary>Appends a group, one number for each text, and returns its event.</summary>
    public ConversationEvent Append(string kind, int turn, params string?[] texts)
    {
        lock (_gate)
        {
            long first = _numbers.Count + 1;
            _numbers.AddRange(texts.Select(text => (kind, turn, text)));
            return Range(first, _numbers.Count);
        }
    }

    /// <summary>Up to <paramref name="most"/> numbers after one, with the deltas of a turn joined.</summary>
    public EventPage Read(long after, int most = int.MaxValue)
    {
        lock (_gate)
        {
            if (after > _numbers.Count)
                throw new RequestRefusedException(Refusal.Invalid, $"The last number is {_numbers.Count}.");
            Reads++;
            var events = new List<ConversationEvent>();
            long end = Math.Min(_numbers.Count, after + most);
            for (long first = after + 1; first <= end; )
            {
                long last = first;
                int length = Text(first)?.Length ?? 0;
                while (
                    last < end
                    && Kind(first) == EventKind.Delta
                    && Same(first, last + 1)
                    && length + (Text(last + 1)?.Length ?? 0) <= Limits.PieceLength
                )
                    length += Text(++last)?.Length ?? 0;
                events.Add(Range(first, last));
                first = last + 1;
            }
            return new EventPage(events, _numbers.Count);
        }
    }

    /// <summary>The event that covers these numbers.</summary>
    public ConversationEvent Of(long first, long last)
    {
        lock (_gate)
            return Range(first, last);
    }

    private string Kind(long seq) => _numbers[(int)seq - 1].Kind;

    private string? Text(long seq) => _numbers[(int)seq - 1].Text;

    private bool Same(long a, long b) =>
        _numbers[(int)a - 1] is var x && _numbers[(int)b - 1] is var y && x.Kind == y.Kind && x.Turn == y.Turn;

    private ConversationEvent Range(long first, long last)
    {
        string text = string.Concat(Enumerable.Range((int)first, (int)(last - first + 1)).Select(seq => Text(seq)));
        return new ConversationEvent
        {
            Kind = Kind(first),
            Turn = _numbers[(int)first - 1].Turn,
            First = first == last ? null : first,
            Seq = last,
            Author = Kind(first) == EventKind.Message ? author : null,
            Text = text.Length == 0 ? null : text,
            At = At,
        };
    }
}
