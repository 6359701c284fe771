using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Inference.Batching;
using Streaming.Inference.Snapshots;
using Streaming.Storage.Snapshots;

namespace Streaming.Grains.Snapshots;

/// <summary>
/// Takes snapshots of this silo's slots and stores them in the background, one after the other. Only the copy of a slot runs on the
/// device's thread. While too many wait, none is taken: an older snapshot serves too, with more tokens to prefill.
/// </summary>
internal sealed partial class SnapshotKeeper(
    ISnapshotStore store,
    SnapshotVerifier verifier,
    IOptions<ConversationOptions> options,
    TimeProvider time,
    ILogger<SnapshotKeeper> logger
) : BackgroundService
{
    /// <summary>Snapshots in memory: the one that is being written and those that wait.</summary>
    public const int MaxWaiting = 8;

    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    private readonly Channel<(string ConversationId, Task<ISlotSnapshot?> Capture)> _waiting = Channel.CreateBounded<(
        string,
        Task<ISlotSnapshot?>
    )>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    private readonly SemaphoreSlim _places = new(MaxWaiting, MaxWaiting);

    /// <summary>Tokens of a long reply between two snapshots; 0 when none is taken.</summary>
    public int Interval => options.Value.SnapshotTokens;

    /// <summary>Takes a snapshot of a slot's current content, before the next decode job gets the slot; does not wait for it.</summary>
    public void Take(IDecodeDevice device, int slot, string conversationId)
    {
        if (Interval == 0)
            return;
        if (!_places.Wait(0))
        {
            LogLeftOut(conversationId, MaxWaiting);
            return;
        }
        Task<ISlotSnapshot?> capture = CaptureAsync(device, slot);
        // There is room, so only a keeper that has stopped refuses it.
        if (!_waiting.Writer.TryWrite((conversationId, capture)))
            _ = DiscardAsync(conversationId, capture);
    }

    /// <summary>Stores a snapshot that was captured already, and disposes it; without effect when none is taken.</summary>
    public async Task KeepAsync(ISlotSnapshot snapshot, string conversationId, CancellationToken cancellation)
    {
        if (Interval == 0)
        {
            snapshot.Dispose();
            return;
        }
        try
        {
            await _places.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            snapshot.Dispose();
            throw;
        }
        await StoreAsync(conversationId, Task.FromResult<ISlotSnapshot?>(snapshot), cancellation);
    }

    /// <summary>A failure is in the task, whatever the device does: a lost snapshot must not end a reply.</summary>
    private static async Task<ISlotSnapshot?> CaptureAsync(IDecodeDevice device, int slot) => await device.CaptureAsync(slot);

    /// <summary>Stores waiting snapshots for a few seconds, then stops.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        if (ExecuteTask is { } running)
            await Task.WhenAny(running, Task.Delay(StopTimeout, time, cancellationToken));
        await base.StopAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Snapshots that remain after the timeout are discarded, which also releases their memory.
        await foreach ((string conversationId, Task<ISlotSnapshot?> capture) in _waiting.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (stoppingToken.IsCancellationRequested)
                await DiscardAsync(conversationId, capture);
            else
                await StoreAsync(conversationId, capture, stoppingToken);
        }
    }

    private async Task StoreAsync(string conversationId, Task<ISlotSnapshot?> capture, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(WriteTimeout);
        try
        {
            using ISlotSnapshot? snapshot = await capture.WaitAsync(limit.Token);
            if (snapshot is null)
                return;
            long start = time.GetTimestamp();
            var name = new SnapshotName(conversationId, snapshot.Branch, snapshot.Position);
            bool published = await store.WriteAsync(
                name,
                snapshot.Length,
                snapshot.WriteAsync,
                cancellation => verifier.IsInLogAsync(conversationId, snapshot, cancellation),
                limit.Token
            );
            double milliseconds = time.GetElapsedTime(start).TotalMilliseconds;
            if (published)
                LogStored(conversationId, snapshot.Position, snapshot.Length, milliseconds);
            else
                LogNotHeld(conversationId, snapshot.Position);
        }
        catch (Exception e) // the edge of the background work: a lost snapshot loses nothing
        {
            LogFailed(conversationId, e);
            if (!capture.IsCompleted)
                _ = capture.ContinueWith(
                    static late => late.Result?.Dispose(),
                    CancellationToken.None,
                    TaskContinuationOptions.OnlyOnRanToCompletion,
                    TaskScheduler.Default
                );
        }
        finally
        {
            _places.Release();
        }
    }

    private async Task DiscardAsync(string conversationId, Task<ISlotSnapshot?> capture)
    {
        try
        {
            (await capture)?.Dispose();
        }
        catch (ObjectDisposedException)
        {
            // The device ended first.
        }
        catch (Exception e) // the edge of the background work, as above
        {
            LogFailed(conversationId, e);
        }
        finally
        {
            _places.Release();
        }
    }

    [LoggerMessage(
        LogLevel.Debug,
        "Conversation {ConversationId}: a snapshot at position {Position} was stored, {Bytes} bytes in {Milliseconds:F0} ms."
    )]
    private partial void LogStored(string conversationId, long position, long bytes, double milliseconds);

    [LoggerMessage(
        LogLevel.Debug,
        "Conversation {ConversationId}: a snapshot at position {Position} is discarded, because the log does not hold its stream."
    )]
    private partial void LogNotHeld(string conversationId, long position);

    [LoggerMessage(LogLevel.Debug, "Conversation {ConversationId}: no snapshot is taken, {Waiting} are waiting to be stored.")]
    private partial void LogLeftOut(string conversationId, int waiting);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId}: a snapshot was not stored.")]
    private partial void LogFailed(string conversationId, Exception exception);
}
