using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Tests.Watching;

/// <summary>A watcher that takes events only when the test allows it, and keeps them.</summary>
internal sealed class Watcher : IAsyncDisposable
{
    private readonly CancellationTokenSource _leaving = new();
    private readonly SemaphoreSlim _allowed = new(0);
    private readonly Lock _gate = new();
    private readonly List<ConversationEvent> _seen = [];
    private readonly Task _watching;
    private (Func<ConversationEvent, bool> Awaited, TaskCompletionSource<ConversationEvent> Found)? _waiter;

    public Watcher(Func<CancellationToken, IAsyncEnumerable<ConversationEvent>> watch) =>
        _watching = Task.Run(async () =>
        {
            await _allowed.WaitAsync(_leaving.Token);
            await foreach (ConversationEvent next in watch(_leaving.Token))
            {
                lock (_gate)
                {
                    _seen.Add(next);
                    if (_waiter is { } waiter && waiter.Awaited(next))
                        waiter.Found.TrySetResult(next);
                }
                await _allowed.WaitAsync(_leaving.Token);
            }
        });

    /// <summary>Completes when the stream has ended.</summary>
    public Task Ended => _watching.WaitAsync(TimeSpan.FromSeconds(20));

    public IReadOnlyList<ConversationEvent> Seen
    {
        get
        {
            lock (_gate)
                return [.. _seen];
        }
    }

    /// <summary>Allows more events.</summary>
    public Watcher Allow(int events = 1_000_000)
    {
        _allowed.Release(events);
        return this;
    }

    /// <summary>The first event of a kind, as soon as it arrives.</summary>
    public Task<ConversationEvent> Sees(Func<ConversationEvent, bool> awaited)
    {
        lock (_gate)
        {
            if (_seen.FirstOrDefault(awaited) is { } found)
                return Task.FromResult(found);
            var source = new TaskCompletionSource<ConversationEvent>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiter = (awaited, source);
            return source.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    /// <summary>The event that covers a number, as soon as it arrives.</summary>
    public Task<ConversationEvent> Reaches(long seq) => Sees(next => next.Seq >= seq);

    public async ValueTask DisposeAsync()
    {
        await _leaving.CancelAsync();
        await _watching.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(20));
        _leaving.Dispose();
        _allowed.Dispose();
    }
}
