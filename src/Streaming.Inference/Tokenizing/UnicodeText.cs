namespace Streaming.Inference.Tokenizing;

/// <summary>Texts must be Unicode: half a surrogate pair has no UTF-8, and replacing it would change what somebody said.</summary>
internal static class UnicodeText
{
    /// <summary>Refuses a text with an unpaired surrogate.</summary>
    /// <param name="text">The text.</param>
    /// <param name="what">What it is, as the beginning of a sentence: "The message".</param>
    /// <exception cref="InputException">It has one.</exception>
    public static void Require(string text, string what)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
            {
                throw new InputException(
                    $"{what} has half of a surrogate pair (U+{(int)text[i]:X4}) at place {i}, which is not a character: send whole characters."
                );
            }
            i++;
        }
    }
}
