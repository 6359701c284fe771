using System.Text;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// The latest stored events of a conversation, without a gap: at most <c>capacity</c> events and about <c>textCapacity</c> UTF-16
/// units of text, however slow the watchers are. Older events are in the log.
/// </summary>
internal sealed class RecentEvents(int capacity = 1024, int textCapacity = 256 * 1024)
{
    private readonly ConversationEvent[] _ring = new ConversationEvent[capacity];
    private int _start;
    private int _count;
    private int _textLength;

    /// <summary>The last event's number; null when there is no event.</summary>
    public long? LastSeq => _count == 0 ? null : At(_count - 1).Seq;

    /// <summary>The number of events held.</summary>
    public int Count => _count;

    /// <summary>The UTF-16 units of text held.</summary>
    public int TextLength => _textLength;

    /// <summary>
    /// Adds a stored event. A repeated event changes nothing. If events are missing before it, all earlier ones are removed, so that
    /// there is never a gap.
    /// </summary>
    public void Add(ConversationEvent stored)
    {
        if (stored.Seq <= LastSeq)
            return;
        if (stored.FirstSeq() != LastSeq + 1)
            Clear();
        if (_count == capacity)
            RemoveFirst();
        _ring[(_start + _count++) % capacity] = stored;
        _textLength += stored.Text?.Length ?? 0;
        while (_textLength > textCapacity)
            RemoveFirst();
    }

    /// <summary>
    /// The event that follows a number, joined with the deltas of the same turn after it, so that a slow watcher gets larger pieces;
    /// null when no event held starts there.
    /// </summary>
    public ConversationEvent? After(long seq)
    {
        int index = IndexOf(seq + 1);
        if (index < 0)
            return null;
        ConversationEvent first = At(index);
        if (first.Kind != EventKind.Delta)
            return first;

        int length = first.Text?.Length ?? 0;
        int end = index + 1;
        while (
            end < _count
            && At(end) is { Kind: EventKind.Delta } next
            && next.Turn == first.Turn
            && length + (next.Text?.Length ?? 0) <= Limits.PieceLength
        )
        {
            length += next.Text?.Length ?? 0;
            end++;
        }
        return end == index + 1 ? first : Join(index, end, length);
    }

    private ConversationEvent Join(int from, int end, int length)
    {
        var text = new StringBuilder(length);
        for (int i = from; i < end; i++)
            text.Append(At(i).Text);
        return At(end - 1) with { First = At(from).FirstSeq(), Text = length == 0 ? null : text.ToString() };
    }

    private int IndexOf(long firstSeq)
    {
        int low = 0,
            high = _count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            long there = At(middle).FirstSeq();
            if (there == firstSeq)
                return middle;
            if (there < firstSeq)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }

    private ConversationEvent At(int index) => _ring[(_start + index) % capacity];

    private void RemoveFirst()
    {
        _textLength -= _ring[_start].Text?.Length ?? 0;
        _ring[_start] = null!; // So that the text can be collected.
        _start = (_start + 1) % capacity;
        _count--;
    }

    private void Clear()
    {
        while (_count > 0)
            RemoveFirst();
    }
}
