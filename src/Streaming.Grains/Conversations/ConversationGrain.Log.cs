using Microsoft.Extensions.Logging;

namespace Streaming.Grains.Conversations;

internal sealed partial class ConversationGrain
{
    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId} could not be read. A client may try again.")]
    private partial void LogNotRead(string conversationId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId} could not be created.")]
    private partial void LogNotCreated(string conversationId, Exception exception);

    [LoggerMessage(LogLevel.Error, "Conversation {ConversationId}: this activation ends; the next one continues from the log.")]
    private partial void LogEnded(string conversationId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId}: the reply did not end before the deactivation timeout.")]
    private partial void LogReplyNotEnded(string conversationId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId} waits for the checkpoint '{Theirs}'; this host runs '{Ours}'.")]
    private partial void LogOtherCheckpoint(string conversationId, string theirs, string ours);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId} waits for a silo of store version {Required}; this one has {Ours}.")]
    private partial void LogNewerVersion(string conversationId, int required, int ours);

    [LoggerMessage(LogLevel.Information, "Conversation {ConversationId}: its slot could not be released.")]
    private partial void LogNotReleased(string conversationId, Exception exception);
}
