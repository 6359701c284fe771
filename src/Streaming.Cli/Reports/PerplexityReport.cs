using System.Globalization;
using System.Text;
using Streaming.Inference.Evaluation;

namespace Streaming.Cli.Reports;

/// <summary>The output of <c>perplexity</c>.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="Sinks">S as given or by default, also if the policy does not use it as such.</param>
/// <param name="Window">W as given or by default, likewise.</param>
/// <param name="Tokens">The number of scored tokens.</param>
/// <param name="Nll">Mean negative log-likelihood, nats per token.</param>
/// <param name="Perplexity">exp(Nll).</param>
/// <param name="MsPerToken">Time per token, milliseconds.</param>
/// <param name="Segments">Results of consecutive parts of the text.</param>
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

    /// <summary>The report as a table.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"{Policy} {Sinks}+{Window}: perplexity {Perplexity:0.000} ({Nll:0.0000} nats per token), "
                + $"{Tokens} tokens, {MsPerToken:0.000} ms per token"
        );
        text.AppendLine().Append("    tokens  perplexity");
        foreach (PerplexitySegment segment in Segments)
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"{segment.Tokens, 10}  {segment.Perplexity, 10:0.000}");
        return text.ToString();
    }
}
