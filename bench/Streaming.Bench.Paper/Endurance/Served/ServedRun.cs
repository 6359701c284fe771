using System.Diagnostics;
using Streaming.Inference.Caching;

namespace Streaming.Bench.Paper.Endurance.Served;

/// <summary>
/// An endless reply of a real host with its log on disk, seen by one watcher over the hub. The host is killed on the way, and started
/// again at once; at the end the engine scores what it wrote.
/// </summary>
internal sealed class ServedRun(EnduranceScale scale, int threads, string command) : IEnduranceRun
{
    private const double MiB = 1 << 20;
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(2);

    public string Name => "served";

    public string Title => $"{Results.Markdown.Count(scale.Tokens)} tokens served";

    public string Render(string folder, Journal journal) => ServedReport.Of(folder, journal);

    public async Task MeasureAsync(string folder, CancellationToken cancellation)
    {
        string temporary = Directory.CreateTempSubdirectory("streaming-served-").FullName,
            data = Path.Combine(temporary, "data");
        try
        {
            Journal journal = Journal.Begin(
                folder,
                Name,
                new RunHead(command, DateTimeOffset.UtcNow, Repository.Commit(), Repository.Machine(), scale, "float32", BookTokens: 0)
            );
            long begun = Stopwatch.GetTimestamp();
            (string id, CacheLayout layout) = await ServeAsync(
                ServedCheckpoint.WithTemplate(Repository.PathTo(scale.Model), temporary),
                data,
                journal,
                cancellation
            );
            int[] ids = await StoredStream.ReadAsync(data, id, branch: 0, cancellation);
            Console.Error.WriteLine($"Scoring {ids.Length} tokens of the log ...");
            await Task.Run(
                () => StoredStream.Score(scale, layout, ids, threads, row => journal.Add(new JournalLine { Score = row }), cancellation),
                CancellationToken.None
            );
            journal.Add(new JournalLine { End = new RunEnd(Stopwatch.GetElapsedTime(begun).TotalSeconds) });
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
    }

    /// <summary>The conversation's name, and how it used its slot.</summary>
    private async Task<(string Id, CacheLayout Layout)> ServeAsync(
        string model,
        string data,
        Journal journal,
        CancellationToken cancellation
    )
    {
        await using var silo = new SiloProcess(
            data,
            [$"Model={model}", $"Sinks={scale.Sinks}", $"Window={scale.Window}", "DType=float32", "Slots=1", $"Threads={threads}"]
        );
        await silo.StartAsync(cancellation);
        string token = await HubClient.GuestAsync(silo.Url, cancellation);
        HubClient client = await HubClient.ConnectAsync(silo.Url, token, cancellation);
        try
        {
            // Temperature 1 and nothing cut off: the model's own distribution, which a repeated word could not hide in.
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
            await silo.StopAsync(cancellation);
            return (conversation.Id, new CacheLayout(conversation.Fixed, conversation.Window));
        }
        finally
        {
            await client.DisposeAsync();
        }
    }

    /// <summary>Where the host is killed: several times at each place, some tokens apart.</summary>
    private IEnumerable<(int Planned, long At)> Kills() =>
        scale.Kills.SelectMany(planned =>
            Enumerable.Range(0, scale.KillsEach).Select(time => (planned, planned + (long)time * scale.Between))
        );

    private static async Task WatchUntilAsync(
        HubClient client,
        SiloProcess silo,
        string id,
        ReplyWatch watch,
        Func<bool> reached,
        CancellationToken cancellation
    )
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Silence);
        try
        {
            await foreach (EventView e in client.WatchAsync(id, watch.LastSeq, patience.Token))
            {
                patience.CancelAfter(Silence);
                watch.Take(e);
                if (reached())
                    return;
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new MeasurementException(
                $"The watcher saw nothing for {Silence.TotalMinutes} minutes after {watch.Tokens} tokens:\n{silo.Output}"
            );
        }
        finally
        {
            await patience.CancelAsync(); // leaving the loop alone does not tell the host
        }
        throw new MeasurementException($"The host ended the watcher's stream after {watch.Tokens} tokens:\n{silo.Output}");
    }

    private void Keep(Journal journal, CostRow? row)
    {
        if (row is null)
            return;
        journal.Add(new JournalLine { Cost = row });
        Console.Error.WriteLine(
            FormattableString.Invariant(
                $"{row.End} of {scale.Tokens} tokens: {row.MedianMs:0.000} ms per token, {row.ResidentMiB:0.0} MiB resident, log {row.LogMiB:0.0} MiB"
            )
        );
    }

    /// <summary>All files of the store.</summary>
    private static double SizeMiB(string data) => new DirectoryInfo(data).EnumerateFiles().Sum(file => file.Length) / MiB;
}
