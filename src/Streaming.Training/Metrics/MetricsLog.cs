using System.Globalization;
using Streaming.Training.Checkpoints;

namespace Streaming.Training.Metrics;

/// <summary>
/// A training's metrics, as CSV files in its work folder. Each line begins with the training tokens so far, so that a resumed run can
/// remove lines that are newer than its state.
/// </summary>
internal sealed class MetricsLog
{
    private readonly string _folder;

    /// <summary>Opens a training's metrics and removes lines of steps that will be repeated.</summary>
    /// <param name="folder">The work folder.</param>
    /// <param name="tokens">The training tokens of the state from which the run continues.</param>
    public MetricsLog(string folder, long tokens)
    {
        _folder = folder;
        foreach (
            (string name, string columns) in (IEnumerable<(string, string)>)
                [
                    (LossFile, LossColumns),
                    (HeldOutFile, HeldOutColumns),
                    (SinkFile, SinkColumns),
                    (SourceFile, SourceColumns),
                    (RunFile, RunColumns),
                ]
        )
        {
            string path = Path.Combine(folder, name);
            IEnumerable<string> kept = File.Exists(path)
                ? File.ReadLines(path)
                    .Skip(1)
                    .Where(line => long.Parse(line[..line.IndexOf(',', StringComparison.Ordinal)], CultureInfo.InvariantCulture) <= tokens)
                : [];
            AtomicFile.Write(path, string.Concat(kept.Prepend(columns).Select(line => line + "\n")));
        }
    }

    /// <summary>The training loss over time.</summary>
    public const string LossFile = "loss.csv";

    /// <summary>The loss on held-out texts, by source.</summary>
    public const string HeldOutFile = "held-out.csv";

    /// <summary>The attention on the start token, by layer and head.</summary>
    public const string SinkFile = "sink.csv";

    /// <summary>The tokens and texts taken from each source.</summary>
    public const string SourceFile = "sources.csv";

    /// <summary>The start and options of each run.</summary>
    public const string RunFile = "runs.csv";

    private const string LossColumns = "tokens,steps,hours,length,loss,rate,norm,tokens_per_second";
    private const string HeldOutColumns = "tokens,source,loss,learnt_tokens,characters";
    private const string SinkColumns = "tokens,layer,head,share";
    private const string RunColumns = "tokens,total_tokens,batch,rate,sink_share,sink_weight";
    private const string SourceColumns = "tokens,source,dealt_tokens,dealt_texts";

    /// <summary>Adds the training loss since the last line.</summary>
    public void AddLoss(long tokens, int steps, double hours, int length, double loss, double rate, double norm, double tokensPerSecond) =>
        Add(LossFile, $"{tokens},{steps},{hours:F4},{length},{loss:F5},{rate:G5},{norm:F4},{tokensPerSecond:F0}");

    /// <summary>Adds the held-out loss of one source.</summary>
    public void AddHeldOut(long tokens, string source, double loss, long learnt, long characters) =>
        Add(HeldOutFile, $"{tokens},{source},{loss:F5},{learnt},{characters}");

    /// <summary>Adds the attention that one head leaves on the start token.</summary>
    public void AddSink(long tokens, int layer, int head, double share) => Add(SinkFile, $"{tokens},{layer},{head},{share:F5}");

    /// <summary>Adds the tokens and texts taken from one source so far.</summary>
    public void AddSource(long tokens, string source, long sourceTokens, long sourceTexts) =>
        Add(SourceFile, $"{tokens},{source},{sourceTokens},{sourceTexts}");

    /// <summary>Adds a run and the options that the model card states; without the sink loss, its share is 0.</summary>
    public void AddRun(long tokens, long totalTokens, int batch, double rate, double? sinkShare, double sinkWeight) =>
        Add(RunFile, $"{tokens},{totalTokens},{batch},{rate:G5},{sinkShare ?? 0:G5},{sinkWeight:G5}");

    private void Add(string name, FormattableString line) =>
        File.AppendAllText(Path.Combine(_folder, name), line.ToString(CultureInfo.InvariantCulture) + "\n");
}
