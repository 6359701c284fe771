namespace Streaming.Storage.Log;

/// <summary>A log's operation did not take place.</summary>
public abstract class LogException : Exception
{
    /// <summary>Creates the exception.</summary>
    protected LogException(string message, Exception? inner = null)
        : base(message, inner) { }
}

/// <summary>The conversation has no head.</summary>
public sealed class LogMissingException(string id) : LogException($"Conversation {id} has no log.");

/// <summary>The conversation has a head already.</summary>
public sealed class LogExistsException(string id) : LogException($"Conversation {id} has a log already.");

/// <summary>Somebody else writes: epoch or number is stale.</summary>
public sealed class LogFencedException(string id, string detail) : LogException($"Conversation {id} has another writer: {detail}.");

/// <summary>The store does not answer; whether a write took effect is not known.</summary>
public sealed class LogUnavailableException(string message, Exception inner) : LogException(message, inner);
