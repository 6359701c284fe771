using System.Globalization;
using Streaming.Inference.Evaluation;

namespace Streaming.Cli.Reports;

/// <summary>What <c>bench</c> prints for one cache size and batch.</summary>
/// <param name="Model">The checkpoint's or the shape's name.</param>
/// <param name="Policy">The policy's name.</param>
/// <param name="Sinks">S.</param>
/// <param name="Window">W.</param>
/// <param name="Batch">Streams at a time.</param>
/// <param name="Tokens">Steps that were measured.</param>
/// <param name="Dtype">The arithmetic.</param>
/// <param name="Threads">Threads of an operation.</param>
/// <param name="MsPerToken">The median step, in which each stream gets one token.</param>
/// <param name="P99Ms">The steps' 99th percentile.</param>
/// <param name="TokensPerSecond">Of all streams.</param>
/// <param name="CacheMiB">Keys and values of all streams.</param>
/// <param name="PeakMiB">The process's resident memory at its highest during the measured steps.</param>
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

    /// <summary>The head of a table for people.</summary>
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
            $"{Policy, 10}  {$"{Sinks}+{Window}", 12}  {Batch, 5}  {Tokens, 6}  {MsPerToken, 12:0.00}  {P99Ms, 7:0.00}  {TokensPerSecond, 8:0.0}  {CacheMiB, 9:0.0}  {PeakMiB, 8:0}"
        );
}
