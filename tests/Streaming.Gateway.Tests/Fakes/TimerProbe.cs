using Microsoft.Extensions.Time.Testing;
using Streaming.Gateway.Watching;

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>Shows when a read waits for events that were announced.</summary>
internal sealed class TimerProbe : FakeTimeProvider
{
    private readonly TaskCompletionSource _eventsAwaited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task EventsAwaited => _eventsAwaited.Task;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = base.CreateTimer(callback, state, dueTime, period);
        if (dueTime == ConversationFeed.EventDelay)
            _eventsAwaited.TrySetResult();
        return timer;
    }
}
