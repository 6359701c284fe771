using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// Events without a number (place in the queue, share of an input read). Only the latest of each kind is kept, and only until a
/// stored event of the same turn makes it obsolete. Watchers remember the stamp of the last one that they received.
/// </summary>
internal sealed class TransientEvents
{
    private readonly List<(long Stamp, ConversationEvent Event)> _latest = []; // ascending by stamp, one for each kind
    private long _lastStamp;

    /// <summary>Replaces the earlier event of its kind. An equal event, which a renewed subscription repeats, changes nothing.</summary>
    public void Add(ConversationEvent transient)
    {
        if (_latest.Exists(entry => entry.Event == transient))
            return;
        _latest.RemoveAll(entry => entry.Event.Kind == transient.Kind);
        _latest.Add((++_lastStamp, transient));
    }

    /// <summary>
    /// Removes what a stored event makes obsolete: a reply that has started is no longer queued, one with text has read its input.
    /// </summary>
    public void RemoveObsolete(ConversationEvent stored) =>
        _latest.RemoveAll(entry =>
            entry.Event.Turn == stored.Turn
            && (entry.Event.Kind == EventKind.Queued || stored.Kind is EventKind.Delta or EventKind.Finished)
        );

    /// <summary>Removes all events.</summary>
    public void Clear() => _latest.Clear();

    /// <summary>The first event after a stamp, which is set to it; null when there is none.</summary>
    public ConversationEvent? After(ref long stamp)
    {
        foreach ((long at, ConversationEvent transient) in _latest)
        {
            if (at <= stamp)
                continue;
            stamp = at;
            return transient;
        }
        return null;
    }
}
