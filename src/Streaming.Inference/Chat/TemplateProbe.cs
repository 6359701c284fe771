namespace Streaming.Inference.Chat;

/// <summary>
/// Tests a template with small dialogues when a checkpoint is loaded: whether it works, and how it renders earlier turns. A template that
/// refuses a probe (<c>raise_exception</c>) refuses such dialogues too, with a reason.
/// </summary>
internal static class TemplateProbe
{
    private const string First = "first7f3a",
        Thought = "thought91bc",
        Said = "said2e4d",
        Last = "last55e8",
        System = "system0c6f";

    /// <summary>Renders dialogues like those of conversations, with and without a system prompt.</summary>
    /// <exception cref="InputException">The template fails, or refuses a plain message.</exception>
    public static void RequireUsable(ChatTemplate template, DateTimeOffset now)
    {
        template.Render([("user", First)], now);
        Render(template, now, ("system", System), ("user", First));
        Render(template, now, ("user", First), ("assistant", Said), ("user", Last));
        Render(template, now, ("system", System), ("user", First), ("assistant", Said), ("user", Last));
    }

    /// <summary>Whether the thinking of earlier replies is left out.</summary>
    public static bool DropsThinking(ChatTemplate template, DateTimeOffset now) =>
        Render(template, now, ("user", First), ("assistant", $"<think>\n{Thought}\n</think>\n\n{Said}"), ("user", Last)) is { } rendered
        && rendered.Contains(Said, StringComparison.Ordinal)
        && !rendered.Contains(Thought, StringComparison.Ordinal);

    /// <summary>Whether the system prompt is rendered after an earlier reply.</summary>
    public static bool MovesSystemPrompt(ChatTemplate template, DateTimeOffset now) =>
        Render(template, now, ("system", System), ("user", First), ("assistant", Said), ("user", Last)) is { } rendered
        && rendered.IndexOf(System, StringComparison.Ordinal) > rendered.IndexOf(Said, StringComparison.Ordinal);

    private static string? Render(ChatTemplate template, DateTimeOffset now, params (string Role, string Content)[] messages)
    {
        try
        {
            return template.Render(messages, now);
        }
        catch (InputException e) when (ChatTemplate.IsRefusal(e))
        {
            return null;
        }
    }
}
