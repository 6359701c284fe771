using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Streaming.Contracts.Conversations;

/// <summary>
/// The rules for arguments and sizes, with one sentence for each. Gateways apply them to save a call; conversations apply them again
/// before they store anything. Each method returns the argument, or throws a <see cref="RequestRefusedException"/>.
/// </summary>
public static class RequestRules
{
    /// <summary>A conversation's id; one that cannot be any conversation's is refused as unknown.</summary>
    public static string Id(string? id) => ConversationId.IsValid(id) ? id! : throw RequestRefusedException.NoSuchConversation();

    /// <summary>A message: not empty, valid Unicode, at most <see cref="Limits.MessageBytes"/>.</summary>
    public static string Message(string? text) =>
        string.IsNullOrWhiteSpace(text)
            ? throw RequestRefusedException.Invalid("The message is empty: write something.")
            : Text(text, "The message");

    /// <summary>A system prompt: valid Unicode, at most <see cref="Limits.MessageBytes"/>; null when there is none.</summary>
    public static string? SystemPrompt(string? text) => string.IsNullOrWhiteSpace(text) ? null : Text(text, "The system prompt");

    /// <summary>The id that a client gives a message.</summary>
    public static string ClientMessageId(string? id)
    {
        if (string.IsNullOrWhiteSpace(id))
            throw RequestRefusedException.Invalid(
                "The clientMessageId is missing: give each message a new one, and the same one when it is sent again."
            );
        return id.Length <= Limits.ClientMessageIdLength
            ? id
            : throw RequestRefusedException.Invalid(
                $"The clientMessageId has {id.Length} characters, and {Limits.ClientMessageIdLength} is the most."
            );
    }

    /// <summary>A title: 1 to <see cref="Limits.TitleLength"/> characters, no control characters; null when it is left open.</summary>
    public static string? Title(string? title)
    {
        bool fits =
            title is null
            || (
                !string.IsNullOrWhiteSpace(title)
                && title.Length <= Limits.TitleLength
                && UnpairedSurrogate(title) < 0
                && !title.Any(char.IsControl)
            );
        return fits
            ? title
            : throw RequestRefusedException.Invalid(
                $"The title must have 1 to {Limits.TitleLength} characters, without control characters."
            );
    }

    /// <summary>The size of a page: 1 to <see cref="Limits.PageItems"/>, <see cref="Limits.DefaultPageItems"/> by default.</summary>
    public static int Take(int? take) =>
        take is null or (>= 1 and <= Limits.PageItems)
            ? take ?? Limits.DefaultPageItems
            : throw RequestRefusedException.Invalid($"take is {take}: it must be from 1 to {Limits.PageItems}.");

    /// <summary>The number below which a page of turns ends; null for the latest page.</summary>
    public static long? Before(long? before) =>
        before is null or >= 1
            ? before
            : throw RequestRefusedException.Invalid($"before is {before}: it must be 1 or more, pass a page's next.");

    /// <summary>An argument that must be there.</summary>
    public static T Required<T>(T? argument, string name)
        where T : class => argument ?? throw RequestRefusedException.Invalid($"The argument '{name}' is missing.");

    /// <summary>Sampling whose values are all in range; null values are the defaults.</summary>
    /// <param name="sampling">The sampling.</param>
    /// <param name="vocabulary">The checkpoint's number of tokens, where it is known.</param>
    public static Sampling SamplingInRange(Sampling sampling, int vocabulary = int.MaxValue)
    {
        Range(sampling.Temperature, "temperature", 0, 100);
        Range(sampling.TopP, "topP", double.Epsilon, 1, "above 0 and at most 1");
        Range(sampling.TopK, "topK", 0, int.MaxValue);
        Range(sampling.MinP, "minP", 0, 1);
        Range(sampling.TypicalP, "typicalP", double.Epsilon, 1, "above 0 and at most 1");
        Range(sampling.RepeatPenalty, "repeatPenalty", Limits.LeastRepeatPenalty, 100, "0.000001 to 100");
        Range(sampling.FrequencyPenalty, "frequencyPenalty", -2, 2);
        Range(sampling.PresencePenalty, "presencePenalty", -2, 2);
        Range(sampling.NoRepeatNgramSize, "noRepeatNgramSize", 0, int.MaxValue, "0 (off) or more");
        Range(sampling.MinNewTokens, "minNewTokens", 0, long.MaxValue, "0 (off) or more");
        Range(sampling.MaxTokens, "maxTokens", 0, long.MaxValue, "0 (endless) or more");
        if (sampling.Stop is { } stops && (stops.Count > Limits.StopStrings || !stops.All(IsStopString)))
            throw RequestRefusedException.Invalid(
                $"sampling.stop takes at most {Limits.StopStrings} texts of 1 to {Limits.StopStringLength} characters."
            );
        Tokens(sampling, vocabulary);
        return sampling;
    }

    private static void Tokens(Sampling sampling, int vocabulary)
    {
        Count(sampling.LogitBias?.Count, "logitBias", Limits.LogitBiases, "tokens");
        foreach ((int id, double bias) in sampling.LogitBias ?? ImmutableDictionary<int, double>.Empty)
        {
            Ids([id], "logitBias", vocabulary);
            Range(bias, $"logitBias[{id}]", -100, 100);
        }
        Count(sampling.SuppressTokens?.Count, "suppressTokens", Limits.SuppressedTokens, "tokens");
        Ids(sampling.SuppressTokens, "suppressTokens", vocabulary);
        Count(sampling.BeginSuppressTokens?.Count, "beginSuppressTokens", Limits.SuppressedTokens, "tokens");
        Ids(sampling.BeginSuppressTokens, "beginSuppressTokens", vocabulary);
        Count(sampling.BadWordsIds?.Count, "badWordsIds", Limits.BadWords, "sequences");
        foreach (IReadOnlyList<int>? word in sampling.BadWordsIds ?? [])
        {
            if (word is not { Count: > 0 and <= Limits.BadWordLength })
                throw RequestRefusedException.Invalid(
                    $"sampling.badWordsIds has a sequence of {word?.Count ?? 0} tokens; each has 1 to {Limits.BadWordLength}."
                );
            Ids(word, "badWordsIds", vocabulary);
        }
    }

    private static void Count(int? count, string name, int most, string what)
    {
        if (count > most)
            throw RequestRefusedException.Invalid($"sampling.{name} has {count} {what}; it takes at most {most}.");
    }

    private static void Ids(IReadOnlyList<int>? ids, string name, int vocabulary)
    {
        foreach (int id in ids ?? [])
        {
            if (id < 0)
                throw RequestRefusedException.Invalid($"sampling.{name} names the token {id}; ids are 0 or more.");
            if (id >= vocabulary)
                throw RequestRefusedException.Invalid(
                    $"sampling.{name} names the token {id}; the checkpoint has {vocabulary}, counted from 0."
                );
        }
    }

    private static bool IsStopString(string? text) =>
        !string.IsNullOrEmpty(text) && text.Length <= Limits.StopStringLength && UnpairedSurrogate(text) < 0;

    private static string Text(string text, string name)
    {
        int unpaired = UnpairedSurrogate(text);
        if (unpaired >= 0)
            throw RequestRefusedException.Invalid($"{name} has half a surrogate pair at place {unpaired}: send whole characters.");
        int bytes = Encoding.UTF8.GetByteCount(text);
        return bytes <= Limits.MessageBytes
            ? text
            : throw RequestRefusedException.Invalid(
                $"{name} has {bytes} bytes of UTF-8, and {Limits.MessageBytes} is the most: send it in parts."
            );
    }

    /// <summary>The index of the first unpaired surrogate; -1 when there is none.</summary>
    public static int UnpairedSurrogate(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return i;
            i++;
        }
        return -1;
    }

    private static void Range(double? value, string name, double least, double most, string? range = null)
    {
        // Written so that NaN is refused too.
        if (value is { } v && !(v >= least && v <= most))
            throw RequestRefusedException.Invalid(
                string.Create(CultureInfo.InvariantCulture, $"sampling.{name} is {v}; it must be {range ?? $"{least} to {most}"}.")
            );
    }
}
