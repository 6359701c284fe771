using System.Diagnostics;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tokenizing;

namespace Streaming.Bench.Paper.Endurance;

/// <summary>One conversation of the engine reads the book again and again, token by token, and scores every token.</summary>
internal sealed class EngineRun(EnduranceScale scale, int threads, Provenance provenance) : IEnduranceRun
{
    public string Name => "engine";

    public string Title => $"{Markdown.Count(scale.Tokens)} tokens through the engine";

    public Task MeasureAsync(string folder, CancellationToken cancellation)
    {
        // On a thread of the pool: the calling thread is the command line's, and a Ctrl-C must reach it.
        return Task.Run(() => Measure(folder, cancellation), CancellationToken.None);
    }

    public string Render(string folder, Journal journal) => EngineReport.Of(folder, journal);

    private void Measure(string folder, CancellationToken cancellation)
    {
        string book = File.ReadAllText(Repository.PathTo(Scale.Book));
        book = book[..Math.Min(book.Length, scale.BookCharacters ?? book.Length)];
        using var checkpoint = Checkpoint.Open(Repository.PathTo(scale.Model));
        var tokenizer = Tokenizer.Load(checkpoint);
        int bookTokens = EvaluationText.Of(tokenizer, book).Predicted;
        var text = EvaluationText.Of(tokenizer, book, scale.Tokens, repeat: true);
        using var model = EvaluationModel.Load(
            checkpoint.Config,
            checkpoint.Weights,
            new EvaluationOptions
            {
                Policy = CachePolicy.Streaming,
                Sinks = scale.Sinks,
                Window = scale.Window,
                DType = DType.Float32,
                Threads = threads,
            }
        );
        var journal = Journal.Begin(folder, Name, RunHead.Of(provenance, scale, bookTokens));

        const double mib = 1 << 20;
        var cost = new CostMeter(scale.Segment, () => Environment.WorkingSet / mib, () => null);
        var segments = new ScoreMeter(scale.Segment);
        var passes = new ScoreMeter(bookTokens);
        // Garbage of loading must not count as memory of the conversation.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        long begun = Stopwatch.GetTimestamp(),
            last = begun;
        new PerplexityMeasurement(model, text, scale.Tokens, chunk: 1).Run(
            progress =>
            {
                CostRow? row = cost.Add(1, Stopwatch.GetElapsedTime(last));
                if (segments.Take(progress) is { } score)
                    journal.Add(new JournalLine { Score = score });
                if (passes.Take(progress) is { } pass)
                    journal.Add(new JournalLine { Pass = pass });
                if (row is not null)
                {
                    journal.Add(new JournalLine { Cost = row });
                    Console.Error.WriteLine(
                        FormattableString.Invariant(
                            $"{row.End} of {scale.Tokens} tokens: {row.MedianMs:0.000} ms per token, {row.ResidentMiB:0.0} MiB resident"
                        )
                    );
                }
                last = Stopwatch.GetTimestamp(); // writing the journal does not count
            },
            cancellation
        );
        cancellation.ThrowIfCancellationRequested();
        journal.Add(new JournalLine { End = new RunEnd(Stopwatch.GetElapsedTime(begun).TotalSeconds) });
    }
}

/// <summary>Divides a measurement into rows of equal length.</summary>
/// <param name="length">Tokens of a row.</param>
internal sealed class ScoreMeter(int length)
{
    private long _tokens;
    private double _nats;

    /// <summary>A row if the measurement has reached the end of one, else null.</summary>
    public ScoreRow? Take(PerplexityProgress progress)
    {
        if (progress.Tokens % length != 0)
            return null;
        var row = new ScoreRow(progress.Tokens, progress.Tokens - _tokens, Math.Exp((progress.Nats - _nats) / (progress.Tokens - _tokens)));
        (_tokens, _nats) = (progress.Tokens, progress.Nats);
        return row;
    }
}
