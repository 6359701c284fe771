namespace Streaming.Inference;

/// <summary>
/// Bad input: a checkpoint, a setting or a text. The message is one sentence for the user: what is wrong, where, and what to do.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Creates the exception with its one sentence.</summary>
    public InputException(string message)
        : base(message) { }

    /// <summary>Creates the exception with its one sentence and its cause.</summary>
    public InputException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Name of the engine option that is wrong; null if the cause is not an option.</summary>
    public string? Option { get; init; }
}
