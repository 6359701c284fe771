namespace Streaming.Inference.Tokenizing;

/// <summary>
/// What ends a reply besides its end tokens. A stop string that is the text of one control token matches when the model emits that
/// token, which has no text of its own, and also where the model spells the text out.
/// </summary>
/// <param name="Texts">All stop strings, as texts.</param>
/// <param name="ControlIds">The control tokens among them.</param>
public sealed record StopStrings(IReadOnlyList<string> Texts, IReadOnlyList<int> ControlIds)
{
    /// <summary>Finds the control tokens among stop strings.</summary>
    /// <param name="texts">The stop strings.</param>
    /// <param name="vocabulary">The vocabulary.</param>
    /// <exception cref="InputException">
    /// A stop string is empty, contains half a surrogate pair, or contains a control token and something else.
    /// </exception>
    public static StopStrings Parse(IReadOnlyList<string> texts, IVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(vocabulary);
        var control = new List<int>();
        foreach (string text in texts)
        {
            if (string.IsNullOrEmpty(text))
                throw new InputException("A stop string is empty, which would end every reply at once: leave it out.");
            UnicodeText.Require(text, "A stop string");
            int?[] parts = [.. vocabulary.PartsOf(text)];
            if (parts is [int id])
                control.Add(id);
            else if (parts.Any(part => part is not null))
                throw new InputException(
                    $"The stop string '{text.ReplaceLineEndings(" ")}' joins a control token and something else, which cannot match: "
                        + "give each control token as a stop string of its own."
                );
        }
        return new StopStrings(texts, control);
    }
}
