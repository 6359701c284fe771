using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Serving;

namespace Streaming.Cli.Options;

/// <summary>The options of a generation; null means that the checkpoint decides.</summary>
internal sealed record GenerationRequest
{
    public required string Model { get; init; }

    public required long MaxTokens { get; init; }

    public required bool IgnoreEos { get; init; }

    public required double? Temperature { get; init; }

    public required double? TopP { get; init; }

    public required int? TopK { get; init; }

    public required double? MinP { get; init; }

    public required double? RepeatPenalty { get; init; }

    public required IReadOnlyDictionary<int, double> LogitBias { get; init; }

    /// <summary>The file that receives each token's log-probability; null for none.</summary>
    public required string? LogProbabilitiesFile { get; init; }

    public required int TopLogProbabilities { get; init; }

    public required ulong Seed { get; init; }

    public required IReadOnlyList<string> Stop { get; init; }

    public required int Sinks { get; init; }

    public required int? Window { get; init; }

    public required DType DType { get; init; }

    public required string Device { get; init; }

    public required int? Threads { get; init; }

    public required bool Deterministic { get; init; }

    public required string? StatsFile { get; init; }

    /// <summary>The checkpoint's sampling parameters, overridden by the options.</summary>
    public SamplingParameters Sampling(SamplingParameters checkpoint) =>
        checkpoint with
        {
            MaxTokens = MaxTokens,
            IgnoreEos = IgnoreEos,
            Temperature = Temperature ?? checkpoint.Temperature,
            TopP = TopP ?? checkpoint.TopP,
            TopK = TopK ?? checkpoint.TopK,
            MinP = MinP ?? checkpoint.MinP,
            RepeatPenalty = RepeatPenalty ?? checkpoint.RepeatPenalty,
            Seed = Seed,
            LogitBias = LogitBias,
            LogProbabilities = LogProbabilitiesFile is null ? null : TopLogProbabilities,
            Stop = Stop,
        };

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
