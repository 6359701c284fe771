using Streaming.Contracts;

namespace Streaming.Storage.Log;

/// <summary>An operation on a log failed.</summary>
public abstract class LogException : Exception
{
    /// <summary>Creates the exception.</summary>
    protected LogException(string message, Exception? inner = null)
        : base(message, inner) { }
}

/// <summary>The conversation has no head.</summary>
public sealed class LogMissingException(string id) : LogException($"Conversation {id} has no log.");

/// <summary>The conversation already has a head.</summary>
public sealed class LogExistsException(string id) : LogException($"Conversation {id} already has a log.");

/// <summary>The writer is fenced: its epoch, last number or position is stale, or the conversation is hidden.</summary>
public sealed class LogFencedException(string id, string detail) : LogException($"Conversation {id} refuses this writer: {detail}.")
{
    /// <summary>A hidden conversation takes no writer.</summary>
    internal static LogFencedException Hidden(string id) => new(id, "it is hidden");

    /// <summary>An append does not follow the head.</summary>
    internal static LogFencedException Stale(LogHead head, LogAppend append) =>
        new(
            head.Id,
            append.Epoch != head.Epoch
                ? $"its epoch is {head.Epoch}, not {append.Epoch}"
                : $"its last number is {head.LastSeq} and its position {head.Position}, not {append.ExpectedLastSeq} and "
                    + $"{append.ExpectedPosition ?? head.Position}"
        );
}

/// <summary>
/// A newer version extended the conversation. This version may read it, but not write it, since it would drop fields that it does not know.
/// </summary>
public sealed class LogVersionException(string id, int required)
    : LogException(
        $"Conversation {id} requires store version {required} to be written, and this program has version {StoreVersion.Current}: "
            + "run a newer one."
    )
{
    /// <summary>The <see cref="StoreVersion"/> that a writer needs at least.</summary>
    public int Required { get; } = required;

    /// <summary>Refuses a write to a head that needs a newer version.</summary>
    internal static void ThrowIfNewer(LogHead head)
    {
        if (head.RequiredVersion > StoreVersion.Current)
            throw new LogVersionException(head.Id, head.RequiredVersion);
    }
}

/// <summary>The store did not answer, or not as it should. A write may or may not have taken effect.</summary>
public sealed class LogUnavailableException(string message, Exception inner) : LogException(message, inner);
