using Orleans.Concurrency;
using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Tests.Hosting;

/// <summary>Records the events that a gateway would receive; tests wait for a phase, never for a time.</summary>
internal sealed class RecordingObserver : IConversationObserver
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly List<ConversationEvent> _events = [];
    private readonly List<(Func<IReadOnlyList<ConversationEvent>, bool> Condition, TaskCompletionSource Met)> _awaited = [];

    public IReadOnlyList<ConversationEvent> Events
    {
        get
        {
            lock (_events)
                return [.. _events];
        }
    }

    public Task OnEvents(string conversationId, Immutable<IReadOnlyList<ConversationEvent>> events)
    {
        lock (_events)
        {
            _events.AddRange(events.Value);
            foreach ((_, TaskCompletionSource met) in _awaited.Where(a => a.Condition(_events)).ToList())
                met.TrySetResult();
        }
        return Task.CompletedTask;
    }

    /// <summary>Waits for the first event of a kind that meets a condition.</summary>
    public async Task<ConversationEvent> UntilAsync(string kind, Func<ConversationEvent, bool>? condition = null)
    {
        bool Fits(ConversationEvent e) => e.Kind == kind && (condition?.Invoke(e) ?? true);
        var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_events)
        {
            if (_events.Any(Fits))
                met.SetResult();
            else
                _awaited.Add((events => events.Any(Fits), met));
        }
        try
        {
            await met.Task.WaitAsync(Limit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(
                $"No such '{kind}' within {Limit}; events: {string.Join(", ", Events.Select(e => $"{e.Kind} {e.FirstSeq()}..{e.Seq}"))}."
            );
        }
        return Events.First(Fits);
    }

    /// <summary>The joined text of a turn's delta and finished events; checks that the numbers have no gap.</summary>
    public string TextOf(int turn)
    {
        ConversationEvent[] events = [.. Events.Where(e => e.Seq is not null)];
        foreach ((ConversationEvent earlier, ConversationEvent later) in events.Zip(events.Skip(1)))
            Assert.Equal(earlier.Seq + 1, later.FirstSeq());
        return string.Concat(events.Where(e => e.Turn == turn && e.Kind is EventKind.Delta or EventKind.Finished).Select(e => e.Text));
    }
}
