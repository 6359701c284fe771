using Streaming.Inference;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Serving;
using Streaming.Inference.Tokenizing;

namespace Streaming.Cli.Options;

/// <summary>The options of a generation; null means that the checkpoint decides.</summary>
internal sealed record GenerationRequest
{
    /// <summary>Tokens of a reply at most, if neither the options nor the checkpoint say.</summary>
    private const long DefaultMaxTokens = 256;

    public required string Model { get; init; }

    public required long? MaxTokens { get; init; }

    public required bool IgnoreEos { get; init; }

    public required double? Temperature { get; init; }

    public required double? TopP { get; init; }

    public required int? TopK { get; init; }

    public required double? MinP { get; init; }

    public required double? TypicalP { get; init; }

    public required double? RepeatPenalty { get; init; }

    public required int? NoRepeatNgramSize { get; init; }

    public required IReadOnlyList<int>? SuppressTokens { get; init; }

    public required IReadOnlyList<int>? BeginSuppressTokens { get; init; }

    public required IReadOnlyList<IReadOnlyList<int>>? BadWordsIds { get; init; }

    public required long? MinNewTokens { get; init; }

    public required IReadOnlyDictionary<int, double> LogitBias { get; init; }

    /// <summary>The file that receives each token's log-probability; null for none.</summary>
    public required string? LogProbabilitiesFile { get; init; }

    public required int TopLogProbabilities { get; init; }

    public required ulong Seed { get; init; }

    public required IReadOnlyList<string>? Stop { get; init; }

    public required int Sinks { get; init; }

    public required int? Window { get; init; }

    public required DType DType { get; init; }

    public required string Device { get; init; }

    public required int? Threads { get; init; }

    public required bool Deterministic { get; init; }

    public required string? StatsFile { get; init; }

    /// <summary>The checkpoint's sampling parameters, overridden by the options.</summary>
    /// <param name="checkpoint">The checkpoint's.</param>
    /// <param name="maxNewTokens">Its recommended token limit of a reply, if it has one.</param>
    /// <param name="vocabulary">Its vocabulary.</param>
    /// <exception cref="InputException">A stop string cannot match.</exception>
    public SamplingParameters Sampling(SamplingParameters checkpoint, long? maxNewTokens, IVocabulary vocabulary)
    {
        if (StopStrings.Parse(Stop ?? [], vocabulary).ControlIds.Count > 0 && IgnoreEos)
            throw new InputException("--stop names a control token, which --ignore-eos never samples: leave out one of the two options.");
        return checkpoint with
        {
            MaxTokens = MaxTokens ?? maxNewTokens ?? DefaultMaxTokens,
            IgnoreEos = IgnoreEos,
            Temperature = Temperature ?? checkpoint.Temperature,
            TopP = TopP ?? checkpoint.TopP,
            TopK = TopK ?? checkpoint.TopK,
            MinP = MinP ?? checkpoint.MinP,
            TypicalP = TypicalP ?? checkpoint.TypicalP,
            RepeatPenalty = RepeatPenalty ?? checkpoint.RepeatPenalty,
            NoRepeatNgramSize = NoRepeatNgramSize ?? checkpoint.NoRepeatNgramSize,
            SuppressTokens = SuppressTokens ?? checkpoint.SuppressTokens,
            BeginSuppressTokens = BeginSuppressTokens ?? checkpoint.BeginSuppressTokens,
            BadWordsIds = BadWordsIds ?? checkpoint.BadWordsIds,
            MinNewTokens = MinNewTokens ?? checkpoint.MinNewTokens,
            Seed = Seed,
            LogitBias = LogitBias,
            LogProbabilities = LogProbabilitiesFile is null ? null : TopLogProbabilities,
            Stop = Stop ?? checkpoint.Stop,
        };
    }

    /// <summary>The options of the engine.</summary>
    public EngineOptions EngineOptions =>
        new()
        {
            Model = Model,
            Sinks = Sinks,
            Window = Window,
            DType = DType,
            Devices = [Device],
            Threads = Threads,
            Deterministic = Deterministic,
        };
}
