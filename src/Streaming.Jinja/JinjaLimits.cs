namespace Streaming.Jinja;

/// <summary>What one rendering may use. A template comes with a checkpoint that somebody else made.</summary>
/// <param name="Steps">Statements and expressions that are evaluated.</param>
/// <param name="Characters">UTF-16 units of the output, and of any value made on the way.</param>
/// <param name="Depth">Nested calls, loops and literals.</param>
public sealed record JinjaLimits(int Steps, int Characters, int Depth)
{
    /// <summary>Two million steps, 64 Mi characters, 100 levels.</summary>
    public static JinjaLimits Default { get; } = new(2_000_000, 64 << 20, 100);
}
