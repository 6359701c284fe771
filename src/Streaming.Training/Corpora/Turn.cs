namespace Streaming.Training.Corpora;

/// <summary>One turn of a dialogue.</summary>
/// <param name="Role">system, user or assistant.</param>
/// <param name="Content">The message.</param>
internal sealed record Turn(string Role, string Content)
{
    public const string System = "system",
        User = "user",
        Assistant = "assistant";
}
