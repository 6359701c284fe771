using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Streaming.Inference.Batching;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;

namespace Streaming.Grains.Tests.Hosting;

/// <summary>
/// A device without tensors whose next token is a function of the ids in its slot's window, as a model's is, so that a slot with
/// wrong content gives another text. Tests permit its tokens one by one, or all.
/// </summary>
internal sealed class ScriptedDevice(int slots, int capacity) : IDecodeDevice
{
    private readonly ConcurrentDictionary<int, Stopper> _running = new();
    private readonly ConcurrentDictionary<int, ScriptedSlot> _contents = new();
    private readonly SemaphoreSlim _permits = new(0);
    private int _failures;

    /// <summary>Decode jobs in the order in which they began.</summary>
    public ConcurrentQueue<DecodeJob> Jobs { get; } = new();

    /// <summary>Called when a decode job begins.</summary>
    public Action? Began { get; set; }

    /// <summary>Whether tokens need a permit each.</summary>
    public bool Stepping { get; set; }

    /// <inheritdoc/>
    public int Slots => slots;

    /// <inheritdoc/>
    public int Capacity => capacity;

    /// <inheritdoc/>
    public bool IsHung { get; set; }

    /// <inheritdoc/>
    public bool IsBusy(int slot) => _running.ContainsKey(slot);

    /// <inheritdoc/>
    public int RebuildLength(int window) => window;

    /// <summary>Permits a number of tokens.</summary>
    public void Permit(int tokens) => _permits.Release(tokens);

    /// <summary>Lets a number of the next decode jobs fail before their first token.</summary>
    public void FailNext(int jobs) => _failures = jobs;

    /// <summary>Lets the running decode jobs fail at their next step.</summary>
    public void FailRunning()
    {
        foreach (Stopper stopper in _running.Values)
            stopper.Fail();
    }

    /// <summary>The token after some ids: a letter, so that the text shows the ids.</summary>
    public static int Next(IEnumerable<int> ids) => 'a' + (int)(ids.Aggregate(17L, (hash, id) => (hash * 31 + id) % 1_000_003) % 26);

    /// <inheritdoc/>
    public async IAsyncEnumerable<DecodeOutput> DecodeAsync(
        DecodeJob job,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        Jobs.Enqueue(job);
        if (Interlocked.Decrement(ref _failures) >= 0)
            throw new DeviceFailedException("The device failed.", new InvalidOperationException("as the test wants"));
        using var stopper = new Stopper();
        Assert.True(_running.TryAdd(job.Slot, stopper), "Two decode jobs in one slot.");
        try
        {
            Began?.Invoke();
            if (job.Reset)
                _contents[job.Slot] = new ScriptedSlot();
            if (job.Snapshot is ScriptedSnapshot snapshot)
                _contents[job.Slot] = ScriptedSlot.From(snapshot);
            ScriptedSlot slot = _contents[job.Slot];
            slot.Begin(job);
            long generated = job.AlreadyGenerated;
            int pending = -1;
            bool hasStepped = false;
            while (true)
            {
                if (job.Sampling.MaxTokens > 0 && generated >= job.Sampling.MaxTokens)
                {
                    yield return End(EndReason.Length);
                    yield break;
                }
                if (hasStepped && stopper.IsPreempted)
                {
                    yield return slot.Preempt(job, pending, generated);
                    yield break;
                }
                bool permitted = !Stepping || await PermittedAsync(stopper.Token, cancellation);
                if (stopper.Fails)
                    throw new DeviceFailedException("The device failed at a step.", new InvalidOperationException("as the test wants"));
                if (hasStepped && stopper is { IsPreempted: true, Reason: null } && !permitted)
                    continue;
                if (stopper.Reason is { } reason || !permitted)
                {
                    yield return End(stopper.Reason ?? EndReason.Stopped);
                    yield break;
                }
                if (pending >= 0)
                    slot.Feed(pending);
                pending = Next(slot.Ids.TakeLast(job.Layout.Window));
                generated++;
                hasStepped = stopper.HasStepped = true;
                yield return new TokenSampled(pending, ((char)pending).ToString(), TextState.Empty);
                await Task.Yield();
            }
        }
        finally
        {
            _running.TryRemove(KeyValuePair.Create(job.Slot, stopper));
        }
    }

    /// <inheritdoc/>
    public void Stop(int slot, EndReason reason)
    {
        if (_running.TryRemove(slot, out Stopper? stopper)) // The slot is free even if nobody reads the end.
            stopper.Stop(reason);
    }

    /// <inheritdoc/>
    public void Preempt(int slot)
    {
        if (_running.TryGetValue(slot, out Stopper? stopper))
            stopper.Preempt();
    }

    /// <inheritdoc/>
    public Task<ISlotSnapshot?> CaptureAsync(int slot, CancellationToken cancellation = default) =>
        Task.FromResult<ISlotSnapshot?>(_contents.TryGetValue(slot, out ScriptedSlot? content) ? content.Capture() : null);

    /// <inheritdoc/>
    public async Task<ISlotSnapshot> ReadSnapshotAsync(Stream from, CancellationToken cancellation = default) =>
        await ScriptedSnapshot.ReadAsync(from, cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<bool> PermittedAsync(CancellationToken stopped, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopped, cancellation);
        try
        {
            await _permits.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private static DecodeEnded End(EndReason reason) => new(reason, "", 1, TimeSpan.Zero, TimeSpan.Zero);

    private sealed class Stopper : IDisposable
    {
        private readonly CancellationTokenSource _source = new();

        public EndReason? Reason { get; private set; }

        public bool Fails { get; private set; }

        public bool IsPreempted { get; private set; }

        public bool HasStepped { get; set; }

        public void Preempt()
        {
            IsPreempted = true;
            if (HasStepped)
                _source.Cancel();
        }

        public CancellationToken Token => _source.Token;

        public void Fail()
        {
            Fails = true;
            _source.Cancel();
        }

        public void Stop(EndReason reason)
        {
            Reason ??= reason;
            _source.Cancel();
        }

        public void Dispose() => _source.Dispose();
    }
}
