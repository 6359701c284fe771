namespace Streaming.Inference;

/// <summary>
/// Something that was handed in is wrong: a checkpoint, a setting, a text. The message is one sentence for a
/// person, saying what is wrong, where, and what to do.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Creates the exception with its one sentence.</summary>
    public InputException(string message)
        : base(message) { }

    /// <summary>Creates the exception with its one sentence and what caused it.</summary>
    public InputException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>The member of the engine's options that is wrong; null where it is something else.</summary>
    public string? Option { get; init; }
}
