using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Conversations;

/// <summary>
/// When a line moves, everybody's place changes, so that all <c>queued</c> events grow with the square of its length. A reply shows at
/// most one a second.
/// </summary>
internal sealed class QueuedThrottle(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private ConversationEvent? _shown;
    private long _shownAt;

    /// <summary>
    /// Whether the reply's transient event is to be shown now: it has not been shown, and no other place was shown within the last second.
    /// A place that has to wait is asked for again with a later update, at the latest a heartbeat.
    /// </summary>
    public bool IsDue(ConversationEvent latest)
    {
        if (ReferenceEquals(latest, _shown))
            return false;
        bool follows = latest.Kind == EventKind.Queued && _shown?.Kind == EventKind.Queued;
        if (follows && time.GetElapsedTime(_shownAt) < Interval)
            return false;
        (_shown, _shownAt) = (latest, time.GetTimestamp());
        return true;
    }
}
