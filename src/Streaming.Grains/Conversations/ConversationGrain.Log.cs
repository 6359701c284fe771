using Microsoft.Extensions.Logging;

namespace Streaming.Grains.Conversations;

internal sealed partial class ConversationGrain
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Conversation {ConversationId} could not be created")]
    private partial void LogNotCreated(string conversationId, Exception exception);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Conversation {ConversationId}: this activation ends; the next one continues from the log"
    )]
    private partial void LogEnded(string conversationId, Exception exception);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Conversation {ConversationId}: the reply did not end before the deactivation timeout"
    )]
    private partial void LogReplyNotEnded(string conversationId, Exception exception);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Conversation {ConversationId} waits for the checkpoint '{Theirs}'; this host runs '{Ours}'"
    )]
    private partial void LogOtherCheckpoint(string conversationId, string theirs, string ours);

    [LoggerMessage(Level = LogLevel.Information, Message = "Conversation {ConversationId}: its slot could not be released")]
    private partial void LogNotReleased(string conversationId, Exception exception);
}
