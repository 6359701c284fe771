using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// Whether a conversation can continue. It cannot while it says that it is paused, or while no silo answers for it. Watchers remember
/// the stamp of the last change that they received.
/// </summary>
internal sealed class Availability
{
    private ConversationEvent? _pause; // the conversation's own
    private ConversationEvent? _latest;
    private long _stamp;
    private bool _isUnreachable;

    /// <summary>
    /// Takes a <c>paused</c> or <c>resumed</c> of the conversation. An equal one, which a renewed subscription repeats, changes
    /// nothing.
    /// </summary>
    public void Report(ConversationEvent change)
    {
        if (change == _pause)
            return;
        _pause = change.Kind == EventKind.Paused ? change : null;
        if (!_isUnreachable)
            Publish(change);
    }

    /// <summary>No silo answers for the conversation.</summary>
    public void SetUnreachable(DateTimeOffset at)
    {
        if (_isUnreachable)
            return;
        _isUnreachable = true;
        Publish(Unreachable(at));
    }

    /// <summary>A silo has answered.</summary>
    public void SetReachable(DateTimeOffset at)
    {
        if (!_isUnreachable)
            return;
        _isUnreachable = false;
        Publish(_pause ?? Reachable(at));
    }

    /// <summary>An event was stored, so the conversation continues.</summary>
    public void Clear() => (_pause, _latest, _isUnreachable) = (null, null, false);

    /// <summary>The change that a watcher with this stamp has to receive, if any; the stamp is set to the latest.</summary>
    public ConversationEvent? After(ref long stamp)
    {
        bool hasReceived = stamp > 0;
        if (_latest is not { } latest || stamp == _stamp)
            return null;
        stamp = _stamp;
        return hasReceived || latest.Kind == EventKind.Paused ? latest : null;
    }

    /// <summary>The event for a conversation for which no silo answers.</summary>
    public static ConversationEvent Unreachable(DateTimeOffset at) =>
        new()
        {
            Kind = EventKind.Paused,
            Text = "No silo answers at the moment. The conversation continues when one does.",
            At = at,
        };

    /// <summary>The event for a conversation that can continue.</summary>
    public static ConversationEvent Reachable(DateTimeOffset at) => new() { Kind = EventKind.Resumed, At = at };

    private void Publish(ConversationEvent change)
    {
        if (_latest is null && change.Kind == EventKind.Resumed)
            return; // No watcher has received a pause.
        _latest = change;
        _stamp++;
    }
}
