using Microsoft.Extensions.Logging;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
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
    IWorkerGrain worker,
    ConversationOptions options,
    Action keepAlive,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>Resumptions without a new token that end a reply: a text that kills the process must not kill it for ever.</summary>
    public const int MaxResumptions = 3;

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private readonly ReplyPrompt _prompt = new(id, state, model, writer, log);
    private CancellationTokenSource? _decoding;
    private (int Turn, string Reason)? _stop;

    /// <summary>A place in line or a share of the input read, while it holds: whoever comes to watch is told it too.</summary>
    public ConversationEvent? Passing { get; private set; }

    /// <summary>The turn that is running, or will be next for what waits; null when there is nothing to do.</summary>
    public static int? RunningTurn(LogHead head, SessionState session) =>
        !session.IsRunning ? null : session.Reply?.Turn ?? head.LastTurn + 1;

    /// <summary>Works until nothing is left. <paramref name="takenUp"/>: what is running was left by an activation that is gone.</summary>
    public async Task RunAsync(bool takenUp, CancellationToken cancellation)
    {
        await writer.OpenAsync();
        await writer.LoadWindowAsync(new(state.Fixed, state.Window));
        while (writer.Session.IsRunning)
        {
            cancellation.ThrowIfCancellationRequested();
            keepAlive();
            if (takenUp && !await TakeUpAsync())
                continue;
            try
            {
                if (writer.Session.Reply is null)
                    observers.Publish((await _prompt.BeginAsync(time.GetUtcNow())).ToEvents(0));
                await DecodeAsync(writer.Session.Reply!, cancellation);
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
                await Task.Delay(Backoff, time, cancellation);
            }
        }
    }

    /// <summary>Ends the running reply after the step under way, if it is this turn; what was said stays.</summary>
    public async Task StopAsync(int? turn, string reason)
    {
        if (RunningTurn(writer.Head, writer.Session) is not { } running || (turn ?? running) != running)
            return;
        _stop = (running, reason);
        if (_decoding is not { } decoding || writer.Session.Reply is not { } reply)
            return; // It ends before its first step.
        // A worker that does not end the stream by itself is left.
        decoding.CancelAfter(StopPatience);
        await TellWorkerToStopAsync(reply);
    }

    /// <summary>Told again after each group: the first word may have come before the worker knew of the reply.</summary>
    private Task TellWorkerToStopAsync(ReplyState reply) =>
        StopReasonOf(reply) is { } reason ? worker.Stop(id, writer.Head.Epoch, reason) : Task.CompletedTask;

    private async Task DecodeAsync(ReplyState reply, CancellationToken cancellation)
    {
        if (StopReasonOf(reply) is { } already)
        {
            await StoreAsync([], Ended(already, reply));
            return;
        }
        using var decoding = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _decoding = decoding;
        try
        {
            DecodeRequest request = await _prompt.RequestAsync(reply);
            IAsyncEnumerable<TokenGroup> groups = worker.Decode(request, decoding.Token)
                .InGroupsAsync(options.GroupTokens, options.GroupInterval, Heartbeat, time, decoding.Token);
            await foreach (TokenGroup group in groups)
            {
                keepAlive();
                await StoreAsync(group.Tokens, group.Then as ReplyEnded);
                ShowInPassing(group.Then, reply.Turn);
                if (group.Then is ReplyEnded)
                    return;
                await TellWorkerToStopAsync(reply);
            }
            throw new InvalidOperationException("The worker's stream ended without an end of the reply.");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && StopReasonOf(reply) is { } reason)
        {
            await StoreAsync([], Ended(reason, writer.Session.Reply!));
        }
        finally
        {
            Passing = null;
            _decoding = null;
        }
    }

    private string? StopReasonOf(ReplyState reply) => _stop is { } stop && stop.Turn == reply.Turn ? stop.Reason : null;

    /// <summary>Appends a group of tokens, and the end if it came; shows them only then.</summary>
    private async Task StoreAsync(IReadOnlyList<TokenDecoded> tokens, ReplyEnded? end)
    {
        if (tokens.Count == 0 && end is null)
            return;
        Passing = null;
        IReadOnlyList<LogEvent> stored = await writer.AppendAsync((head, session) =>
        {
            ReplyState reply = session.Reply!;
            var events = new List<LogEvent>(2);
            long seq = head.LastSeq;
            string text = string.Concat(tokens.Select(t => t.Text));
            DateTimeOffset now = time.GetUtcNow();
            if (tokens.Count > 0)
            {
                events.Add(new LogEvent
                {
                    First = seq + 1,
                    Last = seq += tokens.Count,
                    Kind = EventKind.Delta,
                    Turn = reply.Turn,
                    Text = text,
                    TextOffset = reply.TextLength,
                    Lengths = [.. tokens.Select(t => t.Text.Length)],
                    At = now,
                });
                reply = reply with
                {
                    Generated = reply.Generated + tokens.Count,
                    TextLength = reply.TextLength + text.Length,
                    PendingBytes = tokens[^1].PendingBytes,
                    HeldBack = tokens[^1].HeldBack,
                };
            }
            if (end is not null)
                events.Add(Finished(reply, end, ++seq, now));
            return new Draft(session with
            {
                Reply = end is null ? reply : null,
                Resumptions = tokens.Count > 0 ? 0 : session.Resumptions,
            })
            {
                Events = [.. events],
                Ids = tokens.Select(t => t.TokenId).ToArray(),
            };
        });
        observers.Publish(stored.ToEvents(0));
    }

    private static LogEvent Finished(ReplyState reply, ReplyEnded end, long seq, DateTimeOffset now) => new()
    {
        First = seq,
        Last = seq,
        Kind = EventKind.Finished,
        Turn = reply.Turn,
        Text = end.Text,
        TextOffset = reply.TextLength,
        At = now,
        Detail = new FinishDetail(end.FinishReason, reply.PromptTokens, reply.Generated, end.PrefillMs, end.DecodeMs).ToJson(),
    };

    /// <summary>An end that no worker told: what was held back is shown, an incomplete character as U+FFFD.</summary>
    private static ReplyEnded Ended(string reason, ReplyState reply) =>
        new(reason, reply.HeldBack + (reply.PendingBytes.Length > 0 ? "\uFFFD" : ""), reply.PromptTokens, 0, 0);

    private void ShowInPassing(DecodeUpdate? update, int turn)
    {
        ConversationEvent? shown = update switch
        {
            SlotQueued queued => new() { Kind = EventKind.Queued, Turn = turn, At = time.GetUtcNow(), Place = queued.Place },
            InputProgress progress => new() { Kind = EventKind.Progress, Turn = turn, At = time.GetUtcNow(), Share = progress.Share },
            _ => null,
        };
        if (shown is null)
            return;
        Passing = shown;
        observers.Publish(shown);
    }

    /// <summary>Counts a resumption in the log, so that the count survives what it is there for; false when it was one too many.</summary>
    private async Task<bool> TakeUpAsync()
    {
        if (writer.Session.Resumptions >= MaxResumptions)
        {
            await FailAsync($"The reply was taken up {MaxResumptions} times without a new token, and was ended.");
            return false;
        }
        await writer.AppendAsync((_, session) => new Draft(session with { Resumptions = session.Resumptions + 1 }));
        LogTakenUp(id, writer.Session.Resumptions);
        return true;
    }

    /// <summary>Ends what is running as failed, with a notice for people; what waited counts as answered.</summary>
    private async Task FailAsync(string notice)
    {
        IReadOnlyList<LogEvent> stored = await writer.AppendAsync((head, session) =>
        {
            DateTimeOffset now = time.GetUtcNow();
            int turn = session.Reply?.Turn ?? head.LastTurn + 1;
            long seq = head.LastSeq;
            var events = new List<LogEvent>();
            if (session.Reply is null)
                events.Add(new LogEvent { First = ++seq, Last = seq, Kind = EventKind.Started, Turn = turn, At = now });
            ReplyState reply = session.Reply ?? new() { Turn = turn, Sampling = state.Sampling, PromptStart = head.Position, PromptTokens = 0 };
            events.Add(new LogEvent { First = ++seq, Last = seq, Kind = EventKind.Notice, Turn = turn, Text = notice, At = now });
            events.Add(Finished(reply, Ended(FinishReason.Failed, reply), ++seq, now));
            // A failed reply of its own turn leaves later messages waiting; a failed rendering takes them along.
            var waiting = session.Reply is null ? [] : session.Waiting;
            return new Draft(session with { Reply = null, Waiting = waiting, Prompt = null, Resumptions = 0 })
            {
                Events = [.. events],
                LastTurn = Math.Max(head.LastTurn, turn),
            };
        });
        observers.Publish(stored.ToEvents(0));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Conversation {ConversationId}: the reply was refused")]
    private partial void LogRefused(string conversationId, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Conversation {ConversationId}: the reply was interrupted and will be taken up")]
    private partial void LogInterrupted(string conversationId, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Conversation {ConversationId}: the reply is taken up, resumption {Resumption}")]
    private partial void LogTakenUp(string conversationId, int resumption);
}
