namespace Streaming.Inference.Tokenizing;

/// <summary>Checks that texts are valid Unicode: an unpaired surrogate has no UTF-8, and replacing it would change user text.</summary>
internal static class UnicodeText
{
    /// <summary>Refuses a text with an unpaired surrogate.</summary>
    /// <param name="text">The text.</param>
    /// <param name="what">Its name at the beginning of a sentence: "The message".</param>
    /// <exception cref="InputException">The text has an unpaired surrogate.</exception>
    public static void Require(string text, string what)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
            {
                throw new InputException(
                    $"{what} has half of a surrogate pair (U+{(int)text[i]:X4}) at index {i}, which is no character: send whole characters."
                );
            }
            i++;
        }
    }
}
