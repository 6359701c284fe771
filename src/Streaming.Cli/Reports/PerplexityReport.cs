using System.Globalization;
using System.Text;
using Streaming.Inference.Evaluation;

namespace Streaming.Cli.Reports;

/// <summary>What <c>perplexity</c> prints.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="Sinks">S, as asked for or by default, whatever the policy makes of it.</param>
/// <param name="Window">W, likewise.</param>
/// <param name="Tokens">Tokens that were scored.</param>
/// <param name="Nll">Nats per token.</param>
/// <param name="Perplexity">exp of them.</param>
/// <param name="MsPerToken">Time per token, milliseconds.</param>
/// <param name="Segments">Consecutive parts.</param>
internal sealed record PerplexityReport(
    string Policy,
    int Sinks,
    int Window,
    long Tokens,
    double Nll,
    double Perplexity,
    double MsPerToken,
    IReadOnlyList<PerplexitySegment> Segments
)
{
    public static PerplexityReport Of(EvaluationModel model, PerplexityResult result) =>
        new(
            CachePolicies.NameOf(model.Policy),
            model.Asked.Fixed,
            model.Asked.Window,
            result.Tokens,
            result.Nll,
            result.Perplexity,
            result.MsPerToken,
            result.Segments
        );

    /// <summary>For people.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"{Policy} {Sinks}+{Window}: perplexity {Perplexity:0.000} ({Nll:0.0000} nats per token), {Tokens} tokens, {MsPerToken:0.000} ms per token"
        );
        text.AppendLine().Append("    tokens  perplexity");
        foreach (PerplexitySegment segment in Segments)
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"{segment.Tokens, 10}  {segment.Perplexity, 10:0.000}");
        return text.ToString();
    }
}
