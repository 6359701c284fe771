namespace Streaming.Inference.Chat;

/// <summary>
/// Finds out by small dialogues what a template does to the past. A template that refuses a probe does none of it: it would
/// refuse the dialogue too, and then says why.
/// </summary>
internal static class TemplateProbe
{
    private const string First = "first7f3a",
        Thought = "thought91bc",
        Said = "said2e4d",
        Last = "last55e8",
        System = "system0c6f";

    /// <summary>Whether what an earlier reply has thought is left out of a later rendering.</summary>
    public static bool DropsThinking(ChatTemplate template, DateTimeOffset now) =>
        Render(template, now, ("user", First), ("assistant", $"<think>\n{Thought}\n</think>\n\n{Said}"), ("user", Last)) is { } rendered
        && rendered.Contains(Said, StringComparison.Ordinal)
        && !rendered.Contains(Thought, StringComparison.Ordinal);

    /// <summary>Whether the system prompt comes after an earlier reply.</summary>
    public static bool MovesSystemPrompt(ChatTemplate template, DateTimeOffset now) =>
        Render(template, now, ("system", System), ("user", First), ("assistant", Said), ("user", Last)) is { } rendered
        && rendered.IndexOf(System, StringComparison.Ordinal) > rendered.IndexOf(Said, StringComparison.Ordinal);

    private static string? Render(ChatTemplate template, DateTimeOffset now, params (string Role, string Content)[] messages)
    {
        try
        {
            return template.Render(messages, now);
        }
        catch (InputException)
        {
            return null;
        }
    }
}
