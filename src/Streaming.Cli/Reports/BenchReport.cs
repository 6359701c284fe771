using System.Globalization;
using Streaming.Inference.Evaluation;

namespace Streaming.Cli.Reports;

/// <summary>The output of <c>bench</c> for one cache size and batch size.</summary>
/// <param name="Model">The name of the checkpoint or shape.</param>
/// <param name="Policy">The policy's name.</param>
/// <param name="Sinks">S.</param>
/// <param name="Window">W.</param>
/// <param name="Batch">The number of streams.</param>
/// <param name="Tokens">The number of measured steps.</param>
/// <param name="Dtype">The data type of the weights and the arithmetic.</param>
/// <param name="Threads">The number of threads.</param>
/// <param name="MsPerToken">The median time of a step, in which each stream gets one token, milliseconds.</param>
/// <param name="P99Ms">The 99th percentile of the steps' times, milliseconds.</param>
/// <param name="TokensPerSecond">The throughput of all streams together.</param>
/// <param name="CacheMiB">The size of all streams' keys and values.</param>
/// <param name="PeakMiB">The process's peak resident memory during the measured steps.</param>
internal sealed record BenchReport(
    string Model,
    string Policy,
    int Sinks,
    int Window,
    int Batch,
    int Tokens,
    string Dtype,
    int Threads,
    double MsPerToken,
    double P99Ms,
    double TokensPerSecond,
    double CacheMiB,
    double PeakMiB
)
{
    private const double MiB = 1 << 20;

    /// <summary>The heading of the table.</summary>
    public const string Heading = "    policy  sinks+window  batch  tokens  ms per token   p99 ms  tokens/s  cache MiB  peak MiB";

    public static BenchReport Of(string name, EvaluationModel model, DecodeBenchmarkResult result) =>
        new(
            name,
            CachePolicies.NameOf(model.Policy),
            model.Asked.Fixed,
            model.Asked.Window,
            result.Batch,
            result.StepMs.Count,
            model.DType.ToString().ToLowerInvariant(),
            model.Threads,
            result.MsPerToken,
            result.P99Ms,
            result.TokensPerSecond,
            result.CacheBytes / MiB,
            result.PeakBytes / MiB
        );

    /// <summary>A row of the table.</summary>
    public string ToText() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Policy, 10}  {$"{Sinks}+{Window}", 12}  {Batch, 5}  {Tokens, 6}  {MsPerToken, 12:0.00}  {P99Ms, 7:0.00}"
                + $"  {TokensPerSecond, 8:0.0}  {CacheMiB, 9:0.0}  {PeakMiB, 8:0}"
        );
}
