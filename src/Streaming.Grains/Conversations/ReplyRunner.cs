using Microsoft.Extensions.Logging;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Upkeep;
using Streaming.Grains.Workers;
using Streaming.Inference;
using Streaming.Storage.Log;

namespace Streaming.Grains.Conversations;

/// <summary>
/// Answers what is waiting: renders it, stores its ids, has a worker decode, and stores and shows what comes back, group by group.
/// Runs as one observed task on the grain's scheduler. What a successor needs after a crash is in the log at every moment.
/// </summary>
internal sealed partial class ReplyRunner(
    string id,
    ConversationState state,
    ConversationModel model,
    ConversationWriter writer,
    IConversationLog log,
    ObserverList observers,
    WorkerChoice workers,
    RunningReplies running,
    IGrainFactory grains,
    ConversationOptions options,
    Action keepAlive,
    TimeProvider time,
    ILogger logger
)
{
    /// <summary>Resumptions without a new token that end a reply: a text that kills the process must not kill it for ever.</summary>
    public const int MaxResumptions = 3;

    /// <summary>Pause before a reply is taken up, for each time that this was tried since its last token.</summary>
    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private readonly ReplyPrompt _prompt = new(id, state, model, writer, log);
    private (IWorkerGrain Worker, CancellationTokenSource Ended)? _decoding;
    private (int Turn, string Reason)? _stop;

    /// <summary>
    /// The worker with a free slot that a reply in line leaves for. Choosing again would find that slot taken, by this very
    /// reply, and might lead back into a line.
    /// </summary>
    private string? _freeWorker;

    /// <summary>A place in line or a share of the input read, while it holds: whoever comes to watch is told it too.</summary>
    public ConversationEvent? Passing { get; private set; }

    /// <summary>The turn that is running, or will be next for what waits; null when there is nothing to do.</summary>
    public static int? RunningTurn(LogHead head, SessionState session) =>
        !session.IsRunning ? null : session.Reply?.Turn ?? head.LastTurn + 1;

    /// <summary>Works until nothing is left, or the silo leaves. <paramref name="takenUp"/>: what is running was left by an activation that is gone.</summary>
    public async Task RunAsync(bool takenUp, CancellationToken cancellation)
    {
        await writer.OpenAsync();
        await writer.LoadWindowAsync(new(state.Fixed, state.Window));
        while (writer.Session.IsRunning && !running.IsLeaving)
        {
            cancellation.ThrowIfCancellationRequested();
            keepAlive();
            if (takenUp && !await TakeUpAsync())
                continue;
            try
            {
                if (writer.Session.Reply is null)
                    observers.Publish((await _prompt.BeginAsync(time.GetUtcNow())).ToEvents(0));
                await DecodeAsync(writer.Session.Reply!, cancellation); // Ended, or to go on at another worker.
                takenUp = false;
            }
            catch (InputException e)
            {
                LogRefused(id, e);
                await FailAsync(e.Message);
            }
            catch (Exception e) when (e is not LogException && !cancellation.IsCancellationRequested)
            {
                // The worker or its silo failed; what is stored goes on from the log.
                LogInterrupted(id, e);
                takenUp = true;
                if (writer.Session.Resumptions > 0)
                    await Task.Delay(Backoff * writer.Session.Resumptions, time, cancellation);
            }
        }
    }

    /// <summary>Ends the running reply after the step under way, if it is this turn; what was said stays.</summary>
    public async Task StopAsync(int? turn, string reason)
    {
        if (RunningTurn(writer.Head, writer.Session) is not { } current || (turn ?? current) != current)
            return;
        _stop = (current, reason);
        if (_decoding is not { } decoding || writer.Session.Reply is not { } reply)
            return; // It ends before its first step.
        // A worker that does not end the stream by itself is left.
        decoding.Ended.CancelAfter(StopPatience);
        await TellWorkerToStopAsync(decoding.Worker, reply);
    }

    /// <summary>Told again after each group: the first word may have come before the worker knew of the reply.</summary>
    private async Task TellWorkerToStopAsync(IWorkerGrain worker, ReplyState reply)
    {
        if (StopReasonOf(reply) is not { } reason)
            return;
        try
        {
            await worker.Stop(id, writer.Head.Epoch, reason).WaitAsync(Limits.WorkerSilence, time);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogNotTold(id, e); // Its stream ends soon, by failure or by patience.
        }
    }

    private async Task DecodeAsync(ReplyState reply, CancellationToken cancellation)
    {
        (string? free, _freeWorker) = (_freeWorker, null);
        if (StopReasonOf(reply) is { } already)
        {
            await StoreAsync([], Ended(already, reply));
            return;
        }
        string key = free ?? await workers.ChooseAsync(id, state.Fixed + state.Window, writer.Session.Worker);
        IWorkerGrain worker = grains.GetGrain<IWorkerGrain>(key);
        using var decoding = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _decoding = (worker, decoding);
        try
        {
            DecodeRequest request = await _prompt.RequestAsync(reply);
            if (running.IsLeaving)
                return;
            using CancellationTokenRegistration leaving = running.Leaving.Register(() => AskBack(worker, request.Epoch));
            IAsyncEnumerable<TokenGroup> groups = worker
                .Decode(request, decoding.Token)
                .InGroupsAsync(options.GroupTokens, options.GroupInterval, Limits.WorkerSilence, time, decoding.Token);
            await foreach (TokenGroup group in groups)
            {
                keepAlive();
                await StoreAsync(group.Tokens, group.Then as ReplyEnded, key);
                ShowInPassing(group.Then, reply.Turn);
                if (group.Then is ReplyEnded || (group.Then is HandedBack && running.IsLeaving))
                    return; // Over, or the conversation itself goes on elsewhere.
                if (group.Then is HandedBack || await CanStartElsewhereAsync(group.Then, key))
                {
                    if (group.Then is HandedBack)
                        workers.Avoid(key);
                    LogMoves(id, key);
                    return;
                }
                await TellWorkerToStopAsync(worker, reply);
            }
            throw new InvalidOperationException("The worker's stream ended without an end of the reply.");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && StopReasonOf(reply) is { } reason)
        {
            await StoreAsync([], Ended(reason, writer.Session.Reply!));
        }
        catch (Exception e) when (e is not (LogException or InputException) && !cancellation.IsCancellationRequested)
        {
            workers.Avoid(key); // It failed, is gone or is frozen: the next attempt is another's, if there is one.
            throw;
        }
        finally
        {
            Passing = null;
            _decoding = null;
        }
    }

    /// <summary>
    /// The silo leaves: the worker keeps what is in the slot, so that the next activation goes on at once. A reply whose worker does
    /// not hear of it is ended later, and its slot made anew.
    /// </summary>
    private void AskBack(IWorkerGrain worker, long epoch) => worker.HandBack(id, epoch).Ignore();

    /// <summary>Whether a reply that waits in line could start at another worker at once.</summary>
    private async Task<bool> CanStartElsewhereAsync(DecodeUpdate? update, string key)
    {
        if (update is SignOfLife && Passing is { Kind: EventKind.Queued })
            _freeWorker = await workers.FindFreeAsync(state.Fixed + state.Window, key);
        return _freeWorker is not null;
    }

    private string? StopReasonOf(ReplyState reply) => _stop is { } stop && stop.Turn == reply.Turn ? stop.Reason : null;

    private void ShowInPassing(DecodeUpdate? update, int turn)
    {
        ConversationEvent? shown = update switch
        {
            SlotQueued queued => new()
            {
                Kind = EventKind.Queued,
                Turn = turn,
                At = time.GetUtcNow(),
                Place = queued.Place,
            },
            InputProgress progress => new()
            {
                Kind = EventKind.Progress,
                Turn = turn,
                At = time.GetUtcNow(),
                Share = progress.Share,
            },
            _ => null,
        };
        if (shown is null)
            return;
        Passing = shown;
        observers.Publish(shown);
    }
}
