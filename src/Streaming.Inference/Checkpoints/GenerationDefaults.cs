using Streaming.Inference.Sampling;

namespace Streaming.Inference.Checkpoints;

/// <summary>A checkpoint's recommended sampling and its end tokens.</summary>
/// <param name="EndIds">Tokens that end a reply: those of <c>generation_config.json</c>, else of <c>config.json</c>; may be empty.</param>
/// <param name="Sampling">
/// Sampling by <c>generation_config.json</c>; missing values are defaults of <see cref="SamplingParameters"/>. The seed is 0.
/// </param>
public sealed record GenerationDefaults(IReadOnlyList<int> EndIds, SamplingParameters Sampling)
{
    internal static GenerationDefaults Read(ConfigReader config, ConfigReader? generation)
    {
        int[] ends = generation?.Ints("eos_token_id") is { Length: > 0 } stated ? stated : config.Ints("eos_token_id");
        return new GenerationDefaults(ends, generation is null ? new SamplingParameters() : ReadSampling(generation));
    }

    private static SamplingParameters ReadSampling(ConfigReader generation)
    {
        var defaults = new SamplingParameters();
        return defaults with
        {
            Temperature = generation.Bool("do_sample", whenAbsent: true)
                ? Within(generation, "temperature", defaults.Temperature, 0, double.MaxValue)
                : 0,
            TopP = Within(generation, "top_p", defaults.TopP, 0, 1),
            TopK = generation.Int("top_k", defaults.TopK, least: 0),
            MinP = Within(generation, "min_p", defaults.MinP, 0, 1),
            RepeatPenalty = Within(generation, "repetition_penalty", defaults.RepeatPenalty, 1e-6, double.MaxValue),
        };
    }

    private static double Within(ConfigReader generation, string field, double whenAbsent, double least, double most)
    {
        double value = generation.Double(field, whenAbsent);
        return value >= least && value <= most
            ? value
            : throw generation.Wrong(field, most == double.MaxValue ? $"at least {least}" : $"between {least} and {most}");
    }
}
