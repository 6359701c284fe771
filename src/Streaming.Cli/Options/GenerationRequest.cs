using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Sampling;

namespace Streaming.Cli.Options;

/// <summary>What a command line asks of a generation; null where the checkpoint decides.</summary>
internal sealed record GenerationRequest
{
    private const int LargestDefaultCache = 4096;

    public required string Model { get; init; }

    public required long MaxTokens { get; init; }

    public required bool IgnoreEos { get; init; }

    public required double? Temperature { get; init; }

    public required double? TopP { get; init; }

    public required int? TopK { get; init; }

    public required double? MinP { get; init; }

    public required double? RepeatPenalty { get; init; }

    public required ulong Seed { get; init; }

    public required IReadOnlyList<string> Stop { get; init; }

    public required int Sinks { get; init; }

    public required int? Window { get; init; }

    public required DType DType { get; init; }

    public required int Threads { get; init; }

    public required string? StatsFile { get; init; }

    /// <summary>The checkpoint's sampling with what was asked in its place.</summary>
    public SamplingParameters Sampling(SamplingParameters checkpoint) => checkpoint with
    {
        MaxTokens = MaxTokens,
        IgnoreEos = IgnoreEos,
        Temperature = Temperature ?? checkpoint.Temperature,
        TopP = TopP ?? checkpoint.TopP,
        TopK = TopK ?? checkpoint.TopK,
        MinP = MinP ?? checkpoint.MinP,
        RepeatPenalty = RepeatPenalty ?? checkpoint.RepeatPenalty,
        Seed = Seed,
        Stop = Stop,
    };

    /// <summary>Sinks and window; by default a window that fills the checkpoint's context, at most 4096 tokens with the sinks.</summary>
    /// <exception cref="InputException">They do not fit the checkpoint's context.</exception>
    public CacheLayout Layout(ModelConfig config)
    {
        int context = config.MostPlaces;
        int window = Window ?? Math.Min(context, LargestDefaultCache) - Sinks;
        if (window < 1 || (long)Sinks + window > context)
        {
            throw new InputException(Window is null
                ? $"--sinks {Sinks} leaves no window in the checkpoint's context of {context} tokens: use fewer sinks."
                : $"--sinks {Sinks} and --window {window} are more than the checkpoint's context of {context} tokens: use a window of at most {Math.Max(1, context - Sinks)}.");
        }
        return new CacheLayout(Sinks, window);
    }
}
