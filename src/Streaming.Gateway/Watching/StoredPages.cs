using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// The latest pages of the log that this process read, for watchers that catch up together. Feeds share them: at most
/// <c>capacity</c> pages and about <c>textCapacity</c> UTF-16 units of text, whatever the number of watchers. A watcher keeps none.
/// </summary>
internal sealed class StoredPages(int capacity = 64, int textCapacity = 8 << 20)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Page> _pages = new(); // least recently used first
    private int _textLength;

    /// <summary>Adds a page of a feed's conversation; the least recently used ones give way.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="events">Stored events without a gap.</param>
    public void Add(object feed, IReadOnlyList<ConversationEvent> events)
    {
        var page = new Page(feed, events, events.Sum(e => e.Text?.Length ?? 0));
        lock (_gate)
        {
            _pages.AddLast(page);
            _textLength += page.TextLength;
            while (_pages.Count > capacity || _textLength > textCapacity)
                Remove(_pages.First!);
        }
    }

    /// <summary>The event of a feed's conversation that follows a number; null when no page has it.</summary>
    public ConversationEvent? After(object feed, long seq)
    {
        lock (_gate)
        {
            for (LinkedListNode<Page>? node = _pages.Last; node is not null; node = node.Previous)
            {
                if (node.Value.Feed != feed || node.Value.After(seq) is not { } found)
                    continue;
                _pages.Remove(node);
                _pages.AddLast(node);
                return found;
            }
        }
        return null;
    }

    /// <summary>Removes a feed's pages.</summary>
    public void Remove(object feed)
    {
        lock (_gate)
        {
            for (LinkedListNode<Page>? node = _pages.First, next; node is not null; node = next)
            {
                next = node.Next;
                if (node.Value.Feed == feed)
                    Remove(node);
            }
        }
    }

    private void Remove(LinkedListNode<Page> node)
    {
        _textLength -= node.Value.TextLength;
        _pages.Remove(node);
    }

    private sealed record Page(object Feed, IReadOnlyList<ConversationEvent> Events, int TextLength)
    {
        public ConversationEvent? After(long seq)
        {
            int low = 0,
                high = Events.Count - 1;
            while (low <= high)
            {
                int middle = (low + high) / 2;
                long there = Events[middle].FirstSeq();
                if (there == seq + 1)
                    return Events[middle];
                if (there <= seq)
                    low = middle + 1;
                else
                    high = middle - 1;
            }
            return null;
        }
    }
}
