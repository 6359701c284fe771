namespace Streaming.Jinja;

/// <summary>A template that cannot be parsed or rendered; the message is one sentence without a line number.</summary>
public sealed class JinjaException : Exception
{
    /// <summary>An error whose line is not known yet; the interpreter adds it.</summary>
    public JinjaException(string message)
        : base(message) { }

    /// <summary>An error in a line.</summary>
    public JinjaException(string message, int line, Exception? inner = null)
        : base(message, inner)
    {
        Line = line;
    }

    /// <summary>Line of the template, from 1; 0 when it is not known.</summary>
    public int Line { get; }

    /// <summary>The template called <c>raise_exception</c>: it refuses its input, and is itself in order.</summary>
    public bool IsRaisedByTemplate { get; init; }
}
