using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Training.Corpora;
using Streaming.Training.Evaluation;
using Line = System.Collections.Generic.IReadOnlyDictionary<string, string>;

namespace Streaming.ModelCard;

/// <summary>
/// A model card: a template whose placeholders, <c>{{name}}</c>, are filled with the numbers and tables of a training and its
/// evaluation.
/// </summary>
internal sealed partial class Card
{
    private const int SampleEvery = 10; // the card shows the replies to the first opening message, the eleventh and so on

    private readonly ModelConfig _config;
    private readonly long _weightBytes;
    private readonly IReadOnlyList<Line> _loss,
        _heldOut,
        _sink,
        _dealt,
        _runs;
    private readonly IReadOnlyList<SourceOrigin> _origins;
    private readonly EvaluationReport _evaluation;
    private readonly PolicyScores _policies;
    private Judgement? _judgement;

    private Card(
        ModelConfig config,
        long weightBytes,
        string run,
        EvaluationReport evaluation,
        IReadOnlyList<SourceOrigin> origins,
        PolicyScores policies
    )
    {
        (_config, _weightBytes, _evaluation, _origins, _policies) = (config, weightBytes, evaluation, origins, policies);
        (_loss, _heldOut) = (CsvFile.Read(Path.Combine(run, "loss.csv")), CsvFile.Read(Path.Combine(run, "held-out.csv")));
        (_sink, _dealt) = (CsvFile.Read(Path.Combine(run, "sink.csv")), CsvFile.Read(Path.Combine(run, "sources.csv")));
        _runs = CsvFile.Read(Path.Combine(run, "runs.csv"));
        if (_loss.Count == 0 || _dealt.Count == 0 || _sink.Count == 0)
            throw new InputException($"The training in '{run}' has no metrics yet: let it reach its first evaluation.");
    }

    /// <summary>Reads the card's data.</summary>
    /// <exception cref="InputException">A file is missing or cannot be read.</exception>
    public static Card Read(string model, string run, string evaluation, string perplexity, string mixture)
    {
        using var checkpoint = Checkpoint.Open(model);
        return new Card(
            checkpoint.Config,
            new FileInfo(Path.Combine(model, "model.safetensors")).Length,
            run,
            EvaluationReport.Read(evaluation),
            SourceOrigin.Read(mixture),
            PolicyScores.Read(perplexity)
        );
    }

    /// <summary>Writes the card, its plots, all replies and the story.</summary>
    /// <exception cref="InputException">The template does not exist or has an unknown placeholder.</exception>
    public void Write(string template, string folder)
    {
        if (!File.Exists(template))
            throw new InputException($"The template '{template}' does not exist: name one with --template.");
        Directory.CreateDirectory(Path.Combine(folder, "evaluation"));
        _judgement = Judgement.Find(Path.Combine(folder, "evaluation", "judgement.txt"), _evaluation);
        Plots.Loss(Path.Combine(folder, "loss.svg"), _loss, _heldOut);
        Plots.Sink(Path.Combine(folder, "sink.svg"), _sink);
        File.WriteAllText(Path.Combine(folder, "evaluation", "replies.md"), AllReplies());
        if (_evaluation.Story is StoryResult story)
            File.WriteAllText(Path.Combine(folder, "evaluation", "story.txt"), story.Text + "\n");
        Dictionary<string, Func<string>> values = Values();
        string text = Placeholder()
            .Replace(
                File.ReadAllText(template),
                match =>
                    values.TryGetValue(match.Groups[1].Value, out Func<string>? fill)
                        ? fill()
                        : throw new InputException(
                            $"'{template}' has the unknown placeholder '{match.Value}': use one of {string.Join(", ", values.Keys)}."
                        )
            );
        File.WriteAllText(Path.Combine(folder, "README.md"), text);
    }

    private Dictionary<string, Func<string>> Values() =>
        new()
        {
            ["parameters"] = () => Count(Parameters()),
            ["megabytes"] = () => (_weightBytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture),
            ["layers"] = () => $"{_config.Layers}",
            ["hidden"] = () => $"{_config.HiddenSize}",
            ["heads"] = () => $"{_config.Heads} query and {_config.KeyValueHeads} key-value heads of {_config.HeadDim}",
            ["intermediate"] = () => $"{_config.IntermediateSize}",
            ["vocabulary"] = () => Count(_config.VocabularySize),
            ["context"] = () => Count(_config.ContextLength),
            ["lengths"] = () => string.Join(", then ", _loss.Select(l => l["length"]).Distinct()),
            ["speed"] = () => Count((long)_loss.Select(l => l.Number("tokens_per_second")).Order().ElementAt(_loss.Count / 2)),
            ["loss"] = () => _loss[^1].Number("loss").ToString("0.000", CultureInfo.InvariantCulture),
            ["sources"] = Sources,
            ["origins"] = () => string.Join('\n', _origins.Select(o => $"- {o.Name}: {o.Origin}")),
            ["held-out"] = HeldOut,
            ["sink"] = Sink,
            ["sink-loss"] = SinkLoss,
            ["policies"] = _policies.ToMarkdown,
            ["samples"] = () => Format(_evaluation.Openings.Where((_, i) => i % SampleEvery == 0).Select(reply => (reply, (string?)null))),
            ["judged"] = () => _judgement is null ? "not judged yet" : $"{_judgement.Count} are fluent and fitting",
            ["story"] = Story,
        };

    private long Parameters()
    {
        ModelConfig c = _config;
        long attention = (long)c.HiddenSize * c.HeadDim * (2 * c.Heads + 2 * c.KeyValueHeads),
            feedForward = 3L * c.HiddenSize * c.IntermediateSize;
        return (long)c.VocabularySize * c.HiddenSize + c.Layers * (attention + feedForward + 2L * c.HiddenSize) + c.HiddenSize;
    }

    private string Sources()
    {
        Line[] last = [.. _dealt.Where(l => l["tokens"] == _dealt[^1]["tokens"])];
        double all = last.Sum(l => l.Number("dealt_tokens"));
        return CardTable.Of(
            ["source", "share", "tokens", "texts", "licence"],
            _origins
                .Select(o => (o, Line: last.FirstOrDefault(l => l["source"] == o.Name)))
                .Where(p => p.Line is not null)
                .Select(p =>
                    (IReadOnlyList<object>)
                        [
                            p.o.Name,
                            (p.Line!.Number("dealt_tokens") / all).ToString("P1", CultureInfo.InvariantCulture),
                            (long)p.Line!.Number("dealt_tokens"),
                            (long)p.Line!.Number("dealt_texts"),
                            p.o.Licence,
                        ]
                )
        );
    }

    private string HeldOut() =>
        CardTable.Of(
            _evaluation.Against is null
                ? ["source", "nats per token", "perplexity per token", "perplexity per character", "tokens"]
                : ["source", "nats per token", "perplexity per token", "perplexity per character", "previous model", "tokens"],
            _evaluation.HeldOut.Select(s =>
                (IReadOnlyList<object>)
                    [
                        s.Source,
                        s.LossPerToken,
                        Math.Exp(s.LossPerToken),
                        s.PerplexityPerCharacter,
                        .. _evaluation.Against?.Where(a => a.Source == s.Source).Select(a => (object)a.PerplexityPerCharacter) ?? [],
                        s.Tokens,
                    ]
            )
        );

    private string Sink()
    {
        Line[] last = [.. _sink.Where(l => l["tokens"] == _sink[^1]["tokens"])];
        return CardTable.Of(
            ["layer", .. last.Select(l => l["head"]).Distinct().Select(h => $"head {h}")],
            last.GroupBy(l => l["layer"])
                .Select(layer =>
                    (IReadOnlyList<object>)
                        [layer.Key, .. layer.Select(l => (object)l.Number("share").ToString("P0", CultureInfo.InvariantCulture))]
                )
        );
    }

    private string SinkLoss() =>
        _runs.FirstOrDefault(r => r.Number("sink_share") > 0) is Line first
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"From token {first.Number("tokens"):#,0} on, an auxiliary loss (the sink loss) asked every head above the first layer "
                    + $"to leave\n{first.Number("sink_share"):P0} of its attention on the start token on average "
                    + $"(a hinge, weight {first.Number("sink_weight")} in each layer)."
            )
            : "This training had no sink loss.";

    private string Story() =>
        _evaluation.Story is StoryResult story
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"of its {story.Tokens:#,0} tokens,\n{story.RepeatedShare:P1} of the 8-grams occur earlier in it "
                    + $"({story.RepeatedShares.Min():P1} to {story.RepeatedShares.Max():P1} by thousands)"
            )
            : "not measured";

    private string AllReplies() =>
        $"# Replies to the opening messages\n\nModel: {_evaluation.Model}, with its own sampling parameters and seed 1. "
        + "The messages, and what makes a reply count,\nare in [openings.txt](openings.txt).\n\n"
        + $"{Format(_evaluation.Openings.Select((reply, i) => (reply, _judgement?.Of(i))))}\n";

    private static string Format(IEnumerable<(OpeningReply Reply, string? Verdict)> replies)
    {
        var text = new StringBuilder();
        foreach ((OpeningReply reply, string? verdict) in replies)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"**{reply.Message}**\n\n> {reply.Text.ReplaceLineEndings("\n> ")}{(reply.Cut ? " […]" : "")}\n\n"
            );
            if (verdict is not null)
                text.Append(CultureInfo.InvariantCulture, $"({verdict})\n\n");
        }
        return text.ToString().TrimEnd();
    }

    private static string Count(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{\{([a-z-]+)\}\}")]
    private static partial Regex Placeholder();
}
