using Microsoft.Extensions.Logging;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Storage.Log;

namespace Streaming.Grains.Conversations;

/// <content>What a reply appends to the log; shown only then.</content>
internal sealed partial class ReplyRunner
{
    /// <summary>Appends a group of tokens, and the end if it came; shows them only then.</summary>
    private async Task StoreAsync(IReadOnlyList<TokenDecoded> tokens, ReplyEnded? end, string? worker = null)
    {
        if (tokens.Count == 0 && end is null)
            return;
        Passing = null;
        IReadOnlyList<LogEvent> stored = await writer.AppendAsync(
            (head, session) =>
            {
                ReplyState reply = session.Reply!;
                var events = new List<LogEvent>(2);
                long seq = head.LastSeq;
                string text = string.Concat(tokens.Select(t => t.Text));
                DateTimeOffset now = time.GetUtcNow();
                if (tokens.Count > 0)
                {
                    events.Add(
                        new LogEvent
                        {
                            First = seq + 1,
                            Last = seq += tokens.Count,
                            Kind = EventKind.Delta,
                            Turn = reply.Turn,
                            Text = text,
                            TextOffset = reply.TextLength,
                            Lengths = [.. tokens.Select(t => t.Text.Length)],
                            At = now,
                        }
                    );
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
        observers.Publish(stored.ToEvents(0));
    }

    private static LogEvent Finished(ReplyState reply, ReplyEnded end, long seq, DateTimeOffset now) =>
        new()
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
        IReadOnlyList<LogEvent> stored = await writer.AppendAsync(
            (head, session) =>
            {
                DateTimeOffset now = time.GetUtcNow();
                int turn = session.Reply?.Turn ?? head.LastTurn + 1;
                long seq = head.LastSeq;
                var events = new List<LogEvent>();
                if (session.Reply is null)
                    events.Add(
                        new LogEvent
                        {
                            First = ++seq,
                            Last = seq,
                            Kind = EventKind.Started,
                            Turn = turn,
                            At = now,
                        }
                    );
                ReplyState reply =
                    session.Reply
                    ?? new()
                    {
                        Turn = turn,
                        Sampling = state.Sampling,
                        PromptStart = head.Position,
                        PromptTokens = 0,
                    };
                events.Add(
                    new LogEvent
                    {
                        First = ++seq,
                        Last = seq,
                        Kind = EventKind.Notice,
                        Turn = turn,
                        Text = notice,
                        At = now,
                    }
                );
                events.Add(Finished(reply, Ended(FinishReason.Failed, reply), ++seq, now));
                // A failed reply of its own turn leaves later messages waiting; a failed rendering takes them along.
                var waiting = session.Reply is null ? [] : session.Waiting;
                return new Draft(session with { Reply = null, Waiting = waiting, Prompt = null, Resumptions = 0 })
                {
                    Events = [.. events],
                    LastTurn = Math.Max(head.LastTurn, turn),
                };
            }
        );
        observers.Publish(stored.ToEvents(0));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Conversation {ConversationId}: the reply was refused")]
    private partial void LogRefused(string conversationId, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Conversation {ConversationId}: the reply was interrupted and will be taken up")]
    private partial void LogInterrupted(string conversationId, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Conversation {ConversationId}: the reply is taken up, resumption {Resumption}")]
    private partial void LogTakenUp(string conversationId, int resumption);

    [LoggerMessage(Level = LogLevel.Information, Message = "Conversation {ConversationId} moves away from the worker {Worker}")]
    private partial void LogMoves(string conversationId, string worker);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Conversation {ConversationId}: the worker could not be told to stop")]
    private partial void LogNotTold(string conversationId, Exception exception);
}
