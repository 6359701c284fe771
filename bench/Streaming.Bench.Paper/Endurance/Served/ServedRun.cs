using System.Diagnostics;
using Streaming.Inference.Caching;
using Streaming.Tooling.Processes;

namespace Streaming.Bench.Paper.Endurance.Served;

/// <summary>
/// An endless reply of a host with its log on disk, seen by one watcher over the hub. The host is killed several times and restarted at
/// once. At the end the engine scores the text.
/// </summary>
internal sealed class ServedRun(EnduranceScale scale, int threads, Provenance provenance) : IEnduranceRun
{
    private const double MiB = 1 << 20;
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(2);

    public string Name => "served";

    public string Title => $"{Markdown.Count(scale.Tokens)} tokens served";

    public string Render(string folder, Journal journal) => ServedReport.Of(folder, journal);

    public async Task MeasureAsync(string folder, CancellationToken cancellation)
    {
        using var temporary = new TemporaryFolder();
        string data = Path.Combine(temporary.Path, "data"),
            model = ServedCheckpoint.WithTemplate(Repository.PathTo(scale.Model), temporary.Path);
        var journal = Journal.Begin(folder, Name, RunHead.Of(provenance, scale, bookTokens: 0));
        long begun = Stopwatch.GetTimestamp();
        (string id, CacheLayout layout) = await ServeAsync(model, data, journal, cancellation);
        int[] ids = await StoredTokens.ReadAsync(data, id, branch: 0, cancellation);
        Console.Error.WriteLine($"Scoring {ids.Length} tokens of the log ...");
        await Task.Run(
            () => StoredTokens.Score(scale, layout, ids, threads, row => journal.Add(new JournalLine { Score = row }), cancellation),
            CancellationToken.None
        );
        journal.Add(new JournalLine { End = new RunEnd(Stopwatch.GetElapsedTime(begun).TotalSeconds) });
    }

    /// <summary>Measures the reply; returns the conversation's id and its cache.</summary>
    private async Task<(string Id, CacheLayout Layout)> ServeAsync(
        string model,
        string data,
        Journal journal,
        CancellationToken cancellation
    )
    {
        await using var silo = HostProcess.Silo(
            data,
            ClusterPorts.Free(),
            $"Model={model}",
            $"Sinks={scale.Sinks}",
            $"Window={scale.Window}",
            "DType=float32",
            "Slots=1",
            $"Threads={threads}"
        );
        await silo.StartAsync(cancellation);
        string token = await HubClient.CreateGuestAsync(silo.Url, cancellation);
        HubClient client = await HubClient.ConnectAsync(silo.Url, token, cancellation);
        try
        {
            // Temperature 1 over the whole vocabulary is the model's own distribution, which shows when the text degenerates.
            ConversationView conversation = await client.CreateAsync(
                new
                {
                    sinks = scale.Sinks,
                    window = scale.Window,
                    sampling = new
                    {
                        maxTokens = 0,
                        ignoreEos = true,
                        temperature = 1.0,
                        topP = 1.0,
                        topK = 0,
                        seed = 1,
                    },
                },
                cancellation
            );
            await client.SendAsync(conversation.Id, "Tell me a story that never ends.", cancellation);

            var meter = new CostMeter(scale.Segment, () => silo.ResidentMiB, () => SizeMiB(data));
            var watch = new ReplyWatch(scale.Block, (tokens, took) => Keep(journal, meter.Add(tokens, took)));
            foreach ((int planned, long at) in Kills())
            {
                await WatchUntilAsync(client, silo, conversation.Id, watch, () => watch.Tokens >= at, cancellation);
                long clock = Stopwatch.GetTimestamp();
                watch.Killed(clock, DateTimeOffset.UtcNow);
                await silo.KillAsync();
                await client.DisposeAsync();
                await silo.StartAsync(cancellation);
                double ready = Stopwatch.GetElapsedTime(clock).TotalSeconds;
                client = await HubClient.ConnectAsync(silo.Url, token, cancellation);
                long seen = watch.Tokens;
                await WatchUntilAsync(client, silo, conversation.Id, watch, () => watch.Returned is not null, cancellation);
                journal.Add(new JournalLine { Return = new ReturnRow(planned, seen, ready, watch.Returned!.Value.TotalSeconds) });
                Console.Error.WriteLine(
                    FormattableString.Invariant(
                        $"Killed at {seen}: ready after {ready:0.00} s, the next token after {watch.Returned.Value.TotalSeconds:0.00} s"
                    )
                );
            }
            await WatchUntilAsync(client, silo, conversation.Id, watch, () => watch.Tokens >= scale.Tokens + scale.Block, cancellation);
            await client.StopAsync(conversation.Id, cancellation);
            await silo.TerminateAsync();
            return (conversation.Id, new CacheLayout(conversation.Fixed, conversation.Window));
        }
        finally
        {
            await client.DisposeAsync();
        }
    }

    /// <summary>The kills: several at each place, some tokens apart.</summary>
    private IEnumerable<(int Planned, long At)> Kills() =>
        scale.Kills.SelectMany(planned =>
            Enumerable.Range(0, scale.KillsEach).Select(time => (planned, planned + (long)time * scale.Between))
        );

    private static async Task WatchUntilAsync(
        HubClient client,
        HostProcess silo,
        string id,
        ReplyWatch watch,
        Func<bool> reached,
        CancellationToken cancellation
    )
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(Silence);
        try
        {
            await foreach (EventView e in client.WatchAsync(id, watch.LastSeq, silence.Token))
            {
                silence.CancelAfter(Silence);
                watch.Take(e);
                if (reached())
                    return;
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new ToolException(
                $"The watcher saw nothing for {Silence.TotalMinutes} minutes after {watch.Tokens} tokens:\n{silo.Output}"
            );
        }
        finally
        {
            await silence.CancelAsync(); // leaving the loop does not tell the host
        }
        throw new ToolException($"The host ended the watcher's stream after {watch.Tokens} tokens:\n{silo.Output}");
    }

    private static void Keep(Journal journal, CostRow? row)
    {
        if (row is null)
            return;
        journal.Add(new JournalLine { Cost = row });
        Console.Error.WriteLine(
            FormattableString.Invariant(
                $"{row.End} tokens: {row.MedianMs:0.000} ms per token, {row.ResidentMiB:0.0} MiB resident, log {row.LogMiB:0.0} MiB"
            )
        );
    }

    /// <summary>Size of all files of the store.</summary>
    private static double SizeMiB(string data) => new DirectoryInfo(data).EnumerateFiles().Sum(file => file.Length) / MiB;
}
