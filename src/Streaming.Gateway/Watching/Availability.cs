using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// Whether a conversation cannot go on at the moment: because it says so itself, or because nobody answers for it. Watchers
/// remember the stamp of what they were told.
/// </summary>
internal sealed class Availability
{
    private ConversationEvent? _said;
    private ConversationEvent? _latest;
    private long _stamp;
    private bool _isAway;

    /// <summary>What the conversation said: <c>paused</c> or <c>resumed</c>; told again by a renewal, it changes nothing.</summary>
    public void Say(ConversationEvent said)
    {
        if (said == _said)
            return;
        _said = said.Kind == EventKind.Paused ? said : null;
        if (!_isAway)
            Tell(said);
    }

    /// <summary>Nobody answers for the conversation.</summary>
    public void Leave(DateTimeOffset at)
    {
        if (_isAway)
            return;
        _isAway = true;
        Tell(Away(at));
    }

    /// <summary>Somebody answered.</summary>
    public void Return(DateTimeOffset at)
    {
        if (!_isAway)
            return;
        _isAway = false;
        Tell(_said ?? Back(at));
    }

    /// <summary>Something was stored: whatever paused the conversation is over.</summary>
    public void Forget() => (_said, _latest, _isAway) = (null, null, false);

    /// <summary>What a watcher has to be told after a stamp, which moves on; null when nothing.</summary>
    public ConversationEvent? After(ref long stamp)
    {
        bool wasTold = stamp > 0;
        if (_latest is not { } latest || stamp == _stamp)
            return null;
        stamp = _stamp;
        return wasTold || latest.Kind == EventKind.Paused ? latest : null;
    }

    /// <summary>The event for watchers of a conversation for which nobody answers.</summary>
    public static ConversationEvent Away(DateTimeOffset at) =>
        new()
        {
            Kind = EventKind.Paused,
            Text = "No silo answers at the moment. The conversation goes on when one does.",
            At = at,
        };

    /// <summary>The event for watchers when the conversation can go on.</summary>
    public static ConversationEvent Back(DateTimeOffset at) => new() { Kind = EventKind.Resumed, At = at };

    private void Tell(ConversationEvent latest)
    {
        if (_latest is null && latest.Kind == EventKind.Resumed)
            return; // Nobody was told of a pause.
        _latest = latest;
        _stamp++;
    }
}
