using System.Diagnostics;
using Streaming.Tooling;
using Streaming.Tooling.Processes;

namespace Streaming.Bench.Crowd;

/// <summary>Measures many watchers of one conversation on one host with the embedded model and store.</summary>
/// <param name="watchers">Streams of the conversation.</param>
/// <param name="numbers">Tokens of the stored reply.</param>
/// <param name="live">Tokens of the reply that is followed.</param>
internal sealed class CrowdBenchmark(int watchers, int numbers, int live)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private sealed record Result(
        double Before,
        double Highest,
        TimeSpan CatchUp,
        IReadOnlyList<double> Other,
        IReadOnlyList<double> Delays
    );

    public async Task RunAsync(string output, Provenance provenance, CancellationToken cancellation)
    {
        using var data = new TemporaryFolder();
        await using var host = HostProcess.Silo(data.Path, ClusterPorts.Free(), "SnapshotTokens=0");
        await host.StartAsync(cancellation);
        await using Crowd crowd = await Crowd.ConnectAsync(host.Url, watchers, cancellation);
        await using HubClient other = await HubClient.ConnectAsync(
            host.Url,
            await HubClient.CreateGuestAsync(host.Url, cancellation),
            cancellation
        );
        string othersId = (await other.CreateAsync(new { }, cancellation)).Id,
            id = (await crowd.First.CreateAsync(Limited(numbers), cancellation)).Id;
        long last = await ReplyAsync(crowd.First, id, cancellation);
        Console.Error.WriteLine($"The reply has {numbers} tokens.");

        double before = host.ResidentMiB,
            highest = before;
        var calls = new List<double>();
        long clock = Stopwatch.GetTimestamp();
        Task<double[]> catchingUp = crowd.WatchAsync(id, 0, last, cancellation);
        while (!catchingUp.IsCompleted)
        {
            long call = Stopwatch.GetTimestamp();
            await other.GetAsync(othersId, cancellation);
            calls.Add(Stopwatch.GetElapsedTime(call).TotalMilliseconds);
            highest = Math.Max(highest, host.ResidentMiB);
            await Task.WhenAny(catchingUp, Task.Delay(PollInterval, TimeProvider.System, cancellation));
        }
        await catchingUp;
        TimeSpan took = Stopwatch.GetElapsedTime(clock);

        string followed = (await crowd.First.CreateAsync(Limited(live), cancellation)).Id;
        Task<double[]> following = crowd.WatchAsync(followed, 0, live + 3, cancellation); // message, started, tokens, finished
        await crowd.First.SendAsync(followed, "Tell me a story.", cancellation);
        double[] delays = await following;
        await host.TerminateAsync();
        ResultsPage.Write(
            output,
            "crowd",
            $"{watchers} watchers of one conversation",
            Text(new Result(before, highest, took, calls, delays)),
            provenance
        );
    }

    private static object Limited(int tokens) => new { sampling = new { maxTokens = tokens, ignoreEos = true } };

    /// <summary>Has a reply; returns its last number.</summary>
    private static async Task<long> ReplyAsync(HubClient hub, string id, CancellationToken cancellation)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await hub.SendAsync(id, "Tell me a story.", cancellation);
        await foreach (EventView next in hub.WatchAsync(id, 0, leaving.Token))
        {
            if (next.Kind != "finished")
                continue;
            await leaving.CancelAsync();
            return next.Seq!.Value;
        }
        throw new ToolException("The reply's stream ended without its end.");
    }

    private string Text(Result result)
    {
        string table = Markdown.Table(
            ["<", ""],
            [
                [$"catching up with {numbers} tokens, all watchers, s", $"{result.CatchUp.TotalSeconds:0.0}"],
                ["resident memory of the host before, MiB", $"{result.Before:0}"],
                ["the highest while they catch up, MiB", $"{result.Highest:0}"],
                ["another guest's call meanwhile, ms: median, 99th percentile", Times(result.Other)],
                ["an event's way to a watcher of a running reply, ms: median, 99th percentile", Times(result.Delays)],
                ["deliveries of that reply's events", Markdown.Count(result.Delays.Count)],
            ]
        );
        return $"""
            One guest watches one conversation by {watchers} streams, at most 64 a connection. First all of them start at number 0 of a
            stored reply, while another guest calls `GetConversation`. Then all of them follow a reply of {live} tokens; an event's way
            is from the time at which the conversation made it, before it is stored, to its arrival. The clients share the machine.
            Each watcher got every number once and in order, or the benchmark would have failed.

            {table}
            """;

        static string Times(IReadOnlyCollection<double> ms) => $"{ms.Median():0.0}, {ms.Quantile(0.99):0.0}";
    }
}
