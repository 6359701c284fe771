using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Conversations;

/// <summary>Refuses bad input with one sentence, before anything is done.</summary>
internal static class Validation
{
    private const int MaxStops = 16;
    private const int MaxBiases = 1024;
    private const int MaxStopLength = 256;

    public static void RequireMessage(string text, string clientMessageId)
    {
        if (string.IsNullOrEmpty(clientMessageId) || clientMessageId.Length > Limits.ClientMessageIdLength)
            throw Invalid(
                $"clientMessageId must have 1 to {Limits.ClientMessageIdLength} characters: make a new random one for each message."
            );
        if (string.IsNullOrWhiteSpace(text))
            throw Invalid("The message is empty: write something and send it again.");
        RequireText(text, "The message");
    }

    public static void RequireText(string text, string what)
    {
        if (HasUnpairedSurrogate(text))
            throw Invalid($"{what} contains half of a surrogate pair, which is no character: send valid Unicode.");
        long bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes > Limits.MessageBytes)
            throw Invalid(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what} has {bytes:N0} bytes of UTF-8, the limit is {Limits.MessageBytes:N0}: send it in parts."
                )
            );
    }

    public static void RequireTitle(string title)
    {
        if (
            string.IsNullOrWhiteSpace(title)
            || title.Length > Limits.TitleLength
            || HasUnpairedSurrogate(title)
            || title.Any(char.IsControl)
        )
            throw Invalid($"The title must have 1 to {Limits.TitleLength} characters, without control characters.");
    }

    public static void RequireSampling(Sampling sampling)
    {
        Require(sampling.Temperature, "temperature", 0, 100);
        Require(sampling.TopP, "topP", double.Epsilon, 1, "above 0 and at most 1");
        Require(sampling.TopK, "topK", 0, int.MaxValue);
        Require(sampling.MinP, "minP", 0, 1);
        Require(sampling.RepeatPenalty, "repeatPenalty", double.Epsilon, 100, "above 0 and at most 100");
        Require(sampling.FrequencyPenalty, "frequencyPenalty", -2, 2);
        Require(sampling.PresencePenalty, "presencePenalty", -2, 2);
        Require(sampling.MaxTokens, "maxTokens", 0, long.MaxValue, "0 (endless) or more");
        if (sampling.LogitBias is { Count: > MaxBiases })
            throw Invalid($"sampling.logitBias has {sampling.LogitBias.Count} tokens; it takes at most {MaxBiases}.");
        foreach ((int id, double bias) in sampling.LogitBias ?? ImmutableDictionary<int, double>.Empty)
        {
            if (id < 0)
                throw Invalid($"sampling.logitBias names the token {id}; ids are 0 or more.");
            Require(bias, $"logitBias[{id}]", -100, 100);
        }
        if (sampling.Stop is not { } stops)
            return;
        if (stops.Count > MaxStops || stops.Any(s => string.IsNullOrEmpty(s) || s.Length > MaxStopLength || HasUnpairedSurrogate(s)))
            throw Invalid($"sampling.stop takes at most {MaxStops} texts of 1 to {MaxStopLength} characters.");
    }

    public static bool HasUnpairedSurrogate(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                return true;
            i++;
        }
        return false;
    }

    public static RequestRefusedException Invalid(string message) => new(Refusal.Invalid, message);

    private static void Require(double? value, string name, double least, double most, string? range = null)
    {
        // Written so that NaN is refused too.
        if (value is { } v && !(v >= least && v <= most))
            throw Invalid(
                string.Create(CultureInfo.InvariantCulture, $"sampling.{name} is {v}; it must be {range ?? $"{least} to {most}"}.")
            );
    }
}
