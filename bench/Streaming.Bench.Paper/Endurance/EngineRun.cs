using System.Diagnostics;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tokenizing;

namespace Streaming.Bench.Paper.Endurance;

/// <summary>The book, read again and again in one conversation of the engine, token by token; every token is scored.</summary>
internal sealed class EngineRun(EnduranceScale scale, int threads, string command) : IEnduranceRun
{
    public string Name => "engine";

    public string Title => $"{Results.Markdown.Count(scale.Tokens)} tokens through the engine";

    public Task MeasureAsync(string folder, CancellationToken cancellation)
    {
        // In another thread: the calling one is the command line's.
        return Task.Run(() => Measure(folder, cancellation), CancellationToken.None);
    }

    public string Render(string folder, Journal journal) => EngineReport.Of(folder, journal);

    private void Measure(string folder, CancellationToken cancellation)
    {
        string book = File.ReadAllText(Repository.PathTo(Scale.Book));
        book = book[..Math.Min(book.Length, scale.BookCharacters ?? book.Length)];
        using Checkpoint checkpoint = Checkpoint.Open(Repository.PathTo(scale.Model));
        var tokenizer = Tokenizer.Load(checkpoint);
        int bookTokens = EvaluationText.Of(tokenizer, book).Predicted;
        var text = EvaluationText.Of(tokenizer, book, scale.Tokens, repeat: true);
        using EvaluationModel model = EvaluationModel.Load(
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
        Journal journal = Journal.Begin(
            folder,
            Name,
            new RunHead(command, DateTimeOffset.UtcNow, Repository.Commit(), Repository.Machine(), scale, "float32", bookTokens)
        );

        const double mib = 1 << 20;
        var cost = new CostMeter(scale.Segment, () => Environment.WorkingSet / mib, () => null);
        var segments = new ScoreMeter(scale.Segment);
        var passes = new ScoreMeter(bookTokens);
        // What loading has left behind is no part of the conversation, whenever it would be given back.
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
                last = Stopwatch.GetTimestamp(); // keeping what was measured is no part of a token
            },
            cancellation
        );
        cancellation.ThrowIfCancellationRequested();
        journal.Add(new JournalLine { End = new RunEnd(Stopwatch.GetElapsedTime(begun).TotalSeconds) });
    }
}

/// <summary>Cuts a measurement's sum into rows of equal length.</summary>
/// <param name="length">Tokens of a row.</param>
internal sealed class ScoreMeter(int length)
{
    private long _tokens;
    private double _nats;

    /// <summary>A row where the measurement stands at the end of one, else null.</summary>
    public ScoreRow? Take(PerplexityProgress progress)
    {
        if (progress.Tokens % length != 0)
            return null;
        var row = new ScoreRow(progress.Tokens, progress.Tokens - _tokens, Math.Exp((progress.Nats - _nats) / (progress.Tokens - _tokens)));
        (_tokens, _nats) = (progress.Tokens, progress.Nats);
        return row;
    }
}
