using Streaming.Contracts.Conversations;
using Streaming.Grains.Tests.Hosting;
using Streaming.Inference.Serving;
using TorchSharp;

namespace Streaming.Grains.Tests.Conversations;

/// <summary>A reply longer than any window costs no more memory. Counts are of the whole process, so nothing runs in parallel.</summary>
[CollectionDefinition(nameof(EndlessReplyTests), DisableParallelization = true)]
[Collection(nameof(EndlessReplyTests))]
public sealed class EndlessReplyTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;
    private const int Sinks = 4;
    private const int Window = 60;
    private const string Message = "Tell me a story that never ends.";

    private readonly string _data = Directory.CreateTempSubdirectory("streaming-endless-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Twenty_windows_use_no_more_memory_than_two()
    {
        await using var engine = Engine.Load(
            new EngineOptions
            {
                Model = GrainsHost.StarterFolder,
                Sinks = Sinks,
                Window = Window,
                Threads = 1,
            }
        );
        await using GrainsHost host = await GrainsHost.StartAsync(
            _data,
            engine.Devices["cpu"],
            new ConversationOptions { GroupTokens = 4, SnapshotTokens = 0 }
        );
        IConversationGrain grain = await host.CreateAsync();
        var watcher = new CountingObserver();
        await grain.Subscribe("gateway-of-the-test", host.Grains.CreateObjectReference<IConversationObserver>(watcher));

        await grain.Configure(
            Caller,
            new ConversationChanges
            {
                Sampling = new Sampling
                {
                    MaxTokens = 2 * Window,
                    IgnoreEos = true,
                    Seed = 3,
                },
            }
        );
        // The second makes the stream, and so the kernels' workspaces, as long as the third.
        foreach (string message in (string[])["m1", "m2"])
        {
            Task reply = watcher.UntilAsync(e => e.Kind == EventKind.Finished);
            await grain.Send(Caller, Message, message);
            await reply;
        }
        var two = Footprint.Now();

        long start = (await grain.Get(Caller)).LastSeq;
        await grain.Configure(
            Caller,
            new ConversationChanges
            {
                Sampling = new Sampling
                {
                    MaxTokens = 0,
                    IgnoreEos = true,
                    Seed = 3,
                },
            }
        );
        Task twentyWindows = watcher.UntilAsync(e => e.Seq >= start + 20 * Window);
        await grain.Send(Caller, Message, "m3");
        await twentyWindows;
        Task finished = watcher.UntilAsync(e => e.Kind == EventKind.Finished);
        await grain.Stop(Caller, null);
        await finished;
        var twenty = Footprint.Now();

        Assert.Equal(two.Tensors, twenty.Tensors);
        // 1,200 tokens kept as text would not show here, as objects they would.
        Assert.InRange(twenty.HeapBytes - two.HeapBytes, long.MinValue, 256 * 1024);
        Conversation conversation = await grain.Get(Caller);
        Assert.Equal(conversation.Position - Sinks - Window, conversation.Forgotten);
        Assert.InRange(conversation.Forgotten, 21 * Window, long.MaxValue);
    }

    private sealed record Footprint(long Tensors, long HeapBytes)
    {
        public static Footprint Now()
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            return new Footprint(torch.Tensor.TotalCount, GC.GetTotalMemory(forceFullCollection: true));
        }
    }

    /// <summary>Sees every event and keeps none; an awaited event must not have come before.</summary>
    private sealed class CountingObserver : IConversationObserver
    {
        private readonly Lock _gate = new();
        private Func<ConversationEvent, bool> _awaited = _ => false;
        private TaskCompletionSource _met = new();

        public Task UntilAsync(Func<ConversationEvent, bool> awaited)
        {
            lock (_gate)
            {
                _awaited = awaited;
                _met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return _met.Task.WaitAsync(TimeSpan.FromSeconds(120), TestContext.Current.CancellationToken);
            }
        }

        public Task OnEvents(string conversationId, Orleans.Concurrency.Immutable<IReadOnlyList<ConversationEvent>> events)
        {
            lock (_gate)
            {
                if (events.Value.Any(_awaited))
                    _met.TrySetResult();
            }
            return Task.CompletedTask;
        }
    }
}
