using Microsoft.Extensions.Logging;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Persistence;
using Streaming.Inference;
using Streaming.Inference.Caching;
using Streaming.Storage.Log;

namespace Streaming.Grains.Conversations;

/// <summary>
/// Answers the waiting messages: renders them, stores their ids, has a worker decode, and stores and shows its tokens group by group.
/// Runs as one task on the grain's scheduler. At every moment the log holds what a successor needs after a crash.
/// </summary>
internal sealed partial class ReplyRunner(ActiveConversation conversation, ConversationServices services, ILogger logger)
{
    /// <summary>Resumptions without a new token before a reply fails: a text that kills the process must not kill it for ever.</summary>
    public const int MaxResumptions = 3;

    /// <summary>Pause before a reply is resumed, times the failures since its last token, but one.</summary>
    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause, in units of <see cref="Backoff"/>.</summary>
    private const int MaxBackoff = 10;

    /// <summary>How long a worker has to end its stream after a stop.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly ConversationWriter _writer = conversation.Writer;
    private readonly ReplyPrompt _prompt = new(conversation, services);
    private readonly QueuedThrottle _queued = new(services.Time);
    private (IWorkerGrain Worker, CancellationTokenSource Ended)? _decoding;
    private (int Turn, string Reason)? _stop;

    /// <summary>
    /// Whether the reply is resumed and this is not in the log's count yet. What waits for a slot cannot have ended a process, so a
    /// resumption counts when the reply gets its slot, before anything is done there.
    /// </summary>
    private bool _isUncounted;

    /// <summary>Whether the reply waits in a worker's queue, as far as its updates say.</summary>
    private bool _isQueued;

    /// <summary>Failures of this activation's attempts since the last token.</summary>
    private int _failures;

    /// <summary>
    /// The worker with a free slot to which a queued reply moves. Choosing again would count that slot as taken, by this very reply,
    /// and might lead back into a queue.
    /// </summary>
    private string? _freeWorker;

    /// <summary>Whether the worker in whose queue the reply waits holds its snapshot.</summary>
    private bool _holdsSnapshot;

    /// <summary>The transient event that holds now, a place in the queue or the progress of a prefill; new watchers get it too.</summary>
    public ConversationEvent? Transient { get; private set; }

    private int Places => conversation.State.Fixed + conversation.State.Window;

    /// <summary>The turn of the running reply, or of the next one; null when there is nothing to do.</summary>
    public static int? RunningTurn(LogHead head, SessionState session) =>
        !session.IsRunning ? null : session.Reply?.Turn ?? head.LastTurn + 1;

    /// <summary>Answers until no message waits, or the silo shuts down.</summary>
    /// <param name="resumes">Whether an earlier activation, which is gone, left a reply or messages.</param>
    /// <param name="cancellation">Ends it at once.</param>
    public async Task RunAsync(bool resumes, CancellationToken cancellation)
    {
        await _writer.OpenAsync();
        CacheLayout layout = new(conversation.State.Fixed, conversation.State.Window);
        await services.Time.UntilReadAsync(() => _writer.LoadWindowAsync(layout), cancellation);
        _isUncounted = resumes;
        while (_writer.Session.IsRunning && !services.Replies.IsShuttingDown)
        {
            cancellation.ThrowIfCancellationRequested();
            conversation.KeepAlive();
            if (_isUncounted && _writer.Session.Resumptions >= MaxResumptions)
            {
                await FailAsync($"The reply was resumed {MaxResumptions} times without a new token, and was ended.");
                continue;
            }
            try
            {
                if (_writer.Session.Reply is null)
                    await BeginAsync(cancellation);
                await DecodeAsync(_writer.Session.Reply!, cancellation); // The reply ended, or continues at another worker.
                if (_writer.Session.Reply is null)
                    _isUncounted = false;
            }
            catch (InputException e)
            {
                LogRefused(conversation.Id, e);
                await FailAsync(e.Message);
            }
            catch (Exception e) when (e is not LogException && !cancellation.IsCancellationRequested)
            {
                // The worker or its silo failed; the reply continues from the log.
                LogInterrupted(conversation.Id, e);
                if (_isUncounted && !_isQueued && !services.Replies.IsShuttingDown)
                    await CountResumptionAsync(); // It failed before it had a slot, and not for the sake of others.
                _isUncounted = true;
                int pause = Math.Max(_failures++, _writer.Session.Resumptions);
                if (pause > 0)
                    await Task.Delay(Backoff * Math.Min(pause, MaxBackoff), services.Time, cancellation);
            }
        }
    }

    /// <summary>Renders the waiting messages. A resumed rendering is counted first: the text may be what ended the process.</summary>
    private async Task BeginAsync(CancellationToken cancellation)
    {
        _isQueued = false;
        if (_isUncounted)
            await CountResumptionAsync();
        conversation.Observers.Publish((await _prompt.BeginAsync(cancellation)).ToEvents(0));
    }

    /// <summary>Ends the running reply after the current step, if it is of this turn; its text stays.</summary>
    public async Task StopAsync(int? turn, string reason)
    {
        if (RunningTurn(_writer.Head, _writer.Session) is not { } current || (turn ?? current) != current)
            return;
        _stop = (current, reason);
        if (_decoding is not { } decoding || _writer.Session.Reply is not { } reply)
            return; // It ends before its first step.
        decoding.Ended.CancelAfter(StopTimeout);
        await TellWorkerToStopAsync(decoding.Worker, reply);
    }

    /// <summary>Repeated after each group: an earlier call may have come before the worker knew of the reply.</summary>
    private async Task TellWorkerToStopAsync(IWorkerGrain worker, ReplyState reply)
    {
        if (StopReasonOf(reply) is not { } reason)
            return;
        try
        {
            await worker.Stop(conversation.Id, _writer.Head.Epoch, reason).WaitAsync(Limits.WorkerCallTimeout, services.Time);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogStopNotDelivered(conversation.Id, e); // The stream ends soon, by a failure or a timeout.
        }
    }

    private async Task DecodeAsync(ReplyState reply, CancellationToken cancellation)
    {
        (string? free, _freeWorker) = (_freeWorker, null);
        _isQueued = false;
        if (StopReasonOf(reply) is { } already)
        {
            await StoreAsync([], Ended(already, reply));
            return;
        }
        string key = free ?? await services.Workers.ChooseAsync(conversation.Id, Places, _writer.Session.Worker);
        IWorkerGrain worker = services.Grains.GetGrain<IWorkerGrain>(key);
        using var decoding = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _decoding = (worker, decoding);
        try
        {
            DecodeRequest request = await _prompt.RequestAsync(reply, waitsForBegin: _isUncounted, decoding.Token);
            if (services.Replies.IsShuttingDown)
                return;
            LogDecodes(conversation.Id, reply.Turn, key);
            // The worker keeps the slot's content, so that the next activation continues at once. If it misses this call, its decode
            // is cancelled later, and the slot is rebuilt.
            using CancellationTokenRegistration shutdown = services.Replies.ShuttingDown.Register(() =>
                worker.HandBack(conversation.Id, request.Epoch).Ignore()
            );
            await foreach (TokenGroup group in DecodeInGroupsAsync(worker, request, decoding.Token))
            {
                conversation.KeepAlive();
                if (group.Update is not Heartbeat)
                    _isQueued = group.Update is SlotQueued;
                await StoreAsync(group.Tokens, group.Update as ReplyEnded, key);
                PublishTransient(group.Update, reply.Turn);
                if (group.Update is SlotGranted && !services.Replies.IsShuttingDown) // else the slot is handed back unused
                    await BeginInSlotAsync(worker);
                if (group.Update is ReplyEnded)
                    _freeWorker = null;
                if (group.Update is ReplyEnded || (group.Update is HandedBack && services.Replies.IsShuttingDown))
                    return; // The reply ended, or the conversation itself moves to another silo.
                if (group.Update is HandedBack || await CanStartElsewhereAsync(group.Update, key, worker))
                {
                    if (group.Update is HandedBack { IsFull: false } && _freeWorker is null)
                        services.Workers.Avoid(key);
                    LogMoves(conversation.Id, key);
                    return;
                }
                await TellWorkerToStopAsync(worker, reply);
            }
            throw new InvalidOperationException("The worker's stream ended without an end of the reply.");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && StopReasonOf(reply) is { } reason)
        {
            await StoreAsync([], Ended(reason, _writer.Session.Reply!));
        }
        catch (Exception e) when (e is not (LogException or InputException) && !cancellation.IsCancellationRequested)
        {
            services.Workers.Avoid(key); // It failed, is gone or is frozen: the next attempt goes to another worker, if there is one.
            throw;
        }
        finally
        {
            Transient = null;
            _decoding = null;
        }
    }

    /// <summary>Counts the resumption of a reply that has a slot now, then lets the worker begin.</summary>
    private async Task BeginInSlotAsync(IWorkerGrain worker)
    {
        Transient = null;
        await CountResumptionAsync();
        await worker.Begin(conversation.Id, _writer.Head.Epoch).WaitAsync(Limits.WorkerCallTimeout, services.Time);
    }

    private IAsyncEnumerable<TokenGroup> DecodeInGroupsAsync(IWorkerGrain worker, DecodeRequest request, CancellationToken cancellation)
    {
        ConversationOptions options = services.Options.Value;
        var limits = new GroupLimits(options.GroupTokens, options.GroupInterval, Limits.HeartbeatTimeout);
        return worker.Decode(request, cancellation).InGroupsAsync(limits, services.Time, cancellation);
    }

    /// <summary>
    /// Whether a queued reply could start at another worker at once; each heartbeat asks anew. One that was preempted moves with its
    /// snapshot: its worker stores the snapshot and hands the reply back.
    /// </summary>
    private async Task<bool> CanStartElsewhereAsync(DecodeUpdate? update, string key, IWorkerGrain worker)
    {
        if (update is SlotQueued queued)
            _holdsSnapshot = queued.HoldsSnapshot;
        if (update is not Heartbeat || !_isQueued || _freeWorker is not null)
            return false;
        _freeWorker = await services.Workers.FindFreeAsync(Places, key);
        if (_freeWorker is null || !_holdsSnapshot)
            return _freeWorker is not null;
        worker.HandBack(conversation.Id, _writer.Head.Epoch).Ignore();
        return false;
    }

    private string? StopReasonOf(ReplyState reply) => _stop is { } stop && stop.Turn == reply.Turn ? stop.Reason : null;

    private void PublishTransient(DecodeUpdate? update, int turn)
    {
        ConversationEvent? shown = update switch
        {
            SlotQueued queued => new()
            {
                Kind = EventKind.Queued,
                Turn = turn,
                At = services.Time.GetUtcNow(),
                Place = queued.Place,
                Seconds = queued.Seconds,
            },
            InputProgress progress => new()
            {
                Kind = EventKind.Progress,
                Turn = turn,
                At = services.Time.GetUtcNow(),
                Share = progress.Share,
            },
            _ => null,
        };
        Transient = shown ?? Transient;
        if (Transient is { } latest && _queued.IsDue(latest))
            conversation.Observers.Publish(latest);
    }
}
