using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// Events without a number (place in line, share of an input read): only the latest of each kind, and only until a stored
/// event of the same turn makes it obsolete. Watchers remember the stamp of what they were shown.
/// </summary>
internal sealed class TransientEvents
{
    private readonly List<(long Stamp, ConversationEvent Event)> _latest = []; // ascending by stamp, one for each kind
    private long _lastStamp;

    /// <summary>Takes the place of the earlier one of its kind; the same one, told again by a renewal, changes nothing.</summary>
    public void Add(ConversationEvent passing)
    {
        if (_latest.Exists(entry => entry.Event == passing))
            return;
        _latest.RemoveAll(entry => entry.Event.Kind == passing.Kind);
        _latest.Add((++_lastStamp, passing));
    }

    /// <summary>Forgets what a stored event makes obsolete: a reply that has started waits no more, one that speaks has read.</summary>
    public void Replace(ConversationEvent stored) =>
        _latest.RemoveAll(entry =>
            entry.Event.Turn == stored.Turn
            && (entry.Event.Kind == EventKind.Queued || stored.Kind is EventKind.Delta or EventKind.Finished)
        );

    /// <summary>Forgets all.</summary>
    public void Clear() => _latest.Clear();

    /// <summary>The first event after a stamp, which moves on to it; null when there is none.</summary>
    public ConversationEvent? After(ref long stamp)
    {
        foreach ((long at, ConversationEvent passing) in _latest)
        {
            if (at <= stamp)
                continue;
            stamp = at;
            return passing;
        }
        return null;
    }
}
