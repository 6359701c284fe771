using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// Whether a conversation can continue. It cannot while it says that it is paused, or while it does not answer. Watchers remember the
/// last change that they received: a pause ends once for each, although the conversation and the gateway may both say so.
/// </summary>
internal sealed class Availability
{
    private ConversationEvent? _pause; // the conversation's own
    private ConversationEvent? _latest;
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
            _latest = change;
    }

    /// <summary>The conversation does not answer.</summary>
    public void SetUnreachable(DateTimeOffset at)
    {
        if (_isUnreachable)
            return;
        _isUnreachable = true;
        _latest = Unreachable(at);
    }

    /// <summary>The conversation has answered.</summary>
    public void SetReachable(DateTimeOffset at)
    {
        if (!_isUnreachable)
            return;
        _isUnreachable = false;
        _latest = _pause ?? Reachable(at);
    }

    /// <summary>An event was stored, so the conversation continues.</summary>
    public void Clear() => (_pause, _latest, _isUnreachable) = (null, null, false);

    /// <summary>
    /// The change that a watcher has to receive, if any: a pause, or the end of the pause that it has seen, which is set to the latest
    /// change.
    /// </summary>
    public ConversationEvent? After(ref ConversationEvent? seen)
    {
        if (seen == _latest)
            return null;
        bool sawPause = seen?.Kind == EventKind.Paused;
        seen = _latest;
        return sawPause || _latest?.Kind == EventKind.Paused ? _latest : null;
    }

    /// <summary>The event for a conversation that does not answer.</summary>
    public static ConversationEvent Unreachable(DateTimeOffset at) =>
        new()
        {
            Kind = EventKind.Paused,
            Text = "This conversation does not answer at the moment. It continues by itself.",
            At = at,
        };

    /// <summary>The event for a conversation that can continue.</summary>
    public static ConversationEvent Reachable(DateTimeOffset at) => new() { Kind = EventKind.Resumed, At = at };
}
