namespace Streaming.Inference.Tokenizing.Patterns;

/// <summary>A pattern has a construct that is not supported.</summary>
internal sealed class PatternException(string construct, int place) : Exception
{
    /// <summary>The construct as it is written, or in words.</summary>
    public string Construct { get; } = construct;

    /// <summary>Index in the pattern, from 1.</summary>
    public int Place { get; } = place + 1;
}
