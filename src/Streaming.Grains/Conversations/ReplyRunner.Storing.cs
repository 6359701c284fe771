using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Persistence;
using Streaming.Storage.Log;

namespace Streaming.Grains.Conversations;

/// <content>Appends to the log, and shows what was appended.</content>
internal sealed partial class ReplyRunner
{
    /// <summary>Appends a group of tokens and the end, if it came, then shows them.</summary>
    private async Task StoreAsync(IReadOnlyList<TokenDecoded> tokens, ReplyEnded? end, string? worker = null)
    {
        if (tokens.Count == 0 && end is null)
            return;
        Transient = null;
        if (tokens.Count > 0)
            _failures = 0;
        IReadOnlyList<LogEvent> stored = await _writer.AppendAsync(
            (head, session) =>
            {
                ReplyState reply = session.Reply!;
                var events = new List<LogEvent>(2);
                long seq = head.LastSeq;
                DateTimeOffset now = services.Time.GetUtcNow();
                if (tokens.Count > 0)
                {
                    LogEvent delta = Delta(tokens, reply, seq + 1, now);
                    events.Add(delta);
                    seq = delta.Last;
                    reply = reply with
                    {
                        Generated = reply.Generated + tokens.Count,
                        TextLength = reply.TextLength + delta.Text.Length,
                        PendingBytes = tokens[^1].PendingBytes,
                        HeldBack = tokens[^1].HeldBack,
                    };
                }
                if (end is not null)
                    events.Add(Finished(reply, end, seq + 1, now));
                return new Draft(
                    session with
                    {
                        Reply = end is null ? reply : null,
                        Resumptions = tokens.Count > 0 ? 0 : session.Resumptions,
                        Worker = worker ?? session.Worker,
                    }
                )
                {
                    Events = [.. events],
                    Ids = tokens.Select(t => t.TokenId).ToArray(),
                };
            }
        );
        conversation.Observers.Publish(stored.ToEvents(0));
    }

    private static LogEvent Delta(IReadOnlyList<TokenDecoded> tokens, ReplyState reply, long seq, DateTimeOffset now) =>
        LogEvents.At(seq, EventKind.Delta, reply.Turn, now) with
        {
            Last = seq + tokens.Count - 1,
            Text = string.Concat(tokens.Select(t => t.Text)),
            TextOffset = reply.TextLength,
            Lengths = [.. tokens.Select(t => t.Text.Length)],
        };

    private static LogEvent Finished(ReplyState reply, ReplyEnded end, long seq, DateTimeOffset now) =>
        LogEvents.At(seq, EventKind.Finished, reply.Turn, now) with
        {
            Text = end.Text,
            TextOffset = reply.TextLength,
            Detail = new FinishDetail(end.FinishReason, reply.PromptTokens, reply.Generated, end.PrefillMs, end.DecodeMs).ToJson(),
        };

    /// <summary>An end that no worker sent: text that was held back is shown, an incomplete character as U+FFFD.</summary>
    private static ReplyEnded Ended(string reason, ReplyState reply) =>
        new(reason, reply.HeldBack + (reply.PendingBytes.Length > 0 ? "\uFFFD" : ""), reply.PromptTokens, 0, 0);

    /// <summary>Counts a resumption in the log, so that the count survives a crash.</summary>
    private async Task CountResumptionAsync()
    {
        await _writer.AppendAsync((_, session) => new Draft(session with { Resumptions = session.Resumptions + 1 }));
        _isUncounted = false;
        LogResumed(conversation.Id, _writer.Session.Resumptions);
    }

    /// <summary>Ends the running reply as failed, with a notice. If none had begun, the waiting messages count as answered.</summary>
    private async Task FailAsync(string notice)
    {
        _isUncounted = false;
        IReadOnlyList<LogEvent> stored = await _writer.AppendAsync(
            (head, session) =>
            {
                DateTimeOffset now = services.Time.GetUtcNow();
                int turn = session.Reply?.Turn ?? head.LastTurn + 1;
                long seq = head.LastSeq;
                var events = new List<LogEvent>();
                if (session.Reply is null)
                    events.Add(LogEvents.At(++seq, EventKind.Started, turn, now));
                ReplyState reply =
                    session.Reply
                    ?? new()
                    {
                        Turn = turn,
                        Sampling = conversation.State.Sampling,
                        PromptStart = head.Position,
                        PromptTokens = 0,
                    };
                events.Add(LogEvents.At(++seq, EventKind.Notice, turn, now) with { Text = notice });
                events.Add(Finished(reply, Ended(FinishReason.Failed, reply), ++seq, now));
                // Messages that came during a failed reply still wait; those whose rendering failed do not.
                ImmutableArray<long> waiting = session.Reply is null ? [] : session.Waiting;
                return new Draft(session with { Reply = null, Waiting = waiting, Prompt = null, Resumptions = 0 })
                {
                    Events = [.. events],
                    LastTurn = Math.Max(head.LastTurn, turn),
                };
            }
        );
        conversation.Observers.Publish(stored.ToEvents(0));
    }

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId}: the reply was refused.")]
    private partial void LogRefused(string conversationId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId}: the reply was interrupted and will be resumed.")]
    private partial void LogInterrupted(string conversationId, Exception exception);

    [LoggerMessage(LogLevel.Information, "Conversation {ConversationId}: the reply is resumed, resumption {Resumption}.")]
    private partial void LogResumed(string conversationId, int resumption);

    [LoggerMessage(LogLevel.Information, "Conversation {ConversationId}: turn {Turn} is decoded by the worker {Worker}.")]
    private partial void LogDecodes(string conversationId, int turn, string worker);

    [LoggerMessage(LogLevel.Information, "Conversation {ConversationId} moves away from the worker {Worker}.")]
    private partial void LogMoves(string conversationId, string worker);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId}: the stop did not reach the worker.")]
    private partial void LogStopNotDelivered(string conversationId, Exception exception);
}
