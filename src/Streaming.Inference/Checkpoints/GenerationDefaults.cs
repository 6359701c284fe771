using System.Text.Json;
using Streaming.Inference.Sampling;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// A checkpoint's recommended sampling and its end tokens. A field of <c>generation_config.json</c> that changes the text is applied or
/// refused.
/// </summary>
/// <param name="EndIds">Tokens that end a reply: those of <c>generation_config.json</c>, else of <c>config.json</c>; may be empty.</param>
/// <param name="Sampling">Recommended sampling; missing values are defaults of <see cref="SamplingParameters"/>. The seed is 0.</param>
/// <param name="MaxNewTokens">Recommended token limit of a reply; null if there is none.</param>
public sealed record GenerationDefaults(IReadOnlyList<int> EndIds, SamplingParameters Sampling, long? MaxNewTokens = null)
{
    /// <summary>Reads them; without a <c>generation_config.json</c>, from <c>config.json</c>, where older files have such fields.</summary>
    internal static GenerationDefaults Read(ConfigReader config, ConfigReader? generation, int vocabulary)
    {
        int[] ends = generation?.Ints("eos_token_id") is { Length: > 0 } stated ? stated : config.Ints("eos_token_id");
        ConfigReader file = generation ?? config;
        GenerationFields.RequireSupported(file, isGenerationConfig: generation is not null);
        long? most = file.Has("max_new_tokens") ? file.Int("max_new_tokens") : null;
        return new GenerationDefaults(ends, ReadSampling(file, vocabulary, most), most);
    }

    private static SamplingParameters ReadSampling(ConfigReader file, int vocabulary, long? maxNewTokens)
    {
        var defaults = new SamplingParameters();
        return defaults with
        {
            Temperature = file.Bool("do_sample", whenAbsent: true) ? Within(file, "temperature", defaults.Temperature, 0, 100) : 0,
            TopP = Math.Max(double.Epsilon, Within(file, "top_p", defaults.TopP, 0, 1)), // 0 keeps the most likely token alone
            TopK = file.Int("top_k", defaults.TopK, least: 0),
            MinP = Within(file, "min_p", defaults.MinP, 0, 1),
            TypicalP = Math.Max(double.Epsilon, Within(file, "typical_p", defaults.TypicalP, 0, 1)),
            RepeatPenalty = Within(file, "repetition_penalty", defaults.RepeatPenalty, SamplingParameters.LeastRepeatPenalty, 100),
            NoRepeatNgramSize = file.Int("no_repeat_ngram_size", defaults.NoRepeatNgramSize, least: 0),
            SuppressTokens = Suppressed(file, "suppress_tokens", vocabulary),
            BeginSuppressTokens = Suppressed(file, "begin_suppress_tokens", vocabulary),
            BadWordsIds = BadWords(file, vocabulary),
            MinNewTokens = file.Int("min_new_tokens", (int)defaults.MinNewTokens, least: 0),
            MaxTokens = maxNewTokens ?? defaults.MaxTokens,
            Stop = StopStrings(file),
        };
    }

    private static int[] Suppressed(ConfigReader file, string field, int vocabulary)
    {
        int[] ids = file.Ints(field);
        return ids.Length <= SamplingParameters.MostSuppressed && ids.All(id => id < vocabulary)
            ? ids
            : throw file.Wrong(field, $"a list of at most {SamplingParameters.MostSuppressed} tokens, each below {vocabulary}");
    }

    private static int[][] BadWords(ConfigReader file, int vocabulary)
    {
        const string Field = "bad_words_ids";
        int[]?[] words = [.. file.List(Field).Select(IdsOf)];
        return words.Length <= SamplingParameters.MostBadWords && words.All(Fits)
            ? [.. words.OfType<int[]>()]
            : throw file.Wrong(
                Field,
                $"a list of at most {SamplingParameters.MostBadWords} lists of 1 to {SamplingParameters.LongestBadWord} tokens, "
                    + $"each below {vocabulary}"
            );

        bool Fits(int[]? word) => word is { Length: > 0 and <= SamplingParameters.LongestBadWord } && word.All(id => id < vocabulary);
    }

    /// <summary>The non-negative whole numbers of a list; null if it is something else.</summary>
    private static int[]? IdsOf(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array)
            return null;
        var ids = new List<int>();
        foreach (JsonElement id in list.EnumerateArray())
        {
            if (id.ValueKind != JsonValueKind.Number || !id.TryGetInt32(out int value) || value < 0)
                return null;
            ids.Add(value);
        }
        return [.. ids];
    }

    private static string[] StopStrings(ConfigReader file)
    {
        const string Field = "stop_strings";
        string[] texts = file.Find(Field) is { ValueKind: JsonValueKind.String } one ? [one.GetString()!] : file.Texts(Field);
        return texts.All(text => text.Length > 0) ? texts : throw file.Wrong(Field, "a text or a list of texts, none of them empty");
    }

    private static double Within(ConfigReader file, string field, double whenAbsent, double least, double most)
    {
        double value = file.Double(field, whenAbsent);
        return value >= least && value <= most ? value : throw file.Wrong(field, $"between {least:0.######} and {most}");
    }
}
