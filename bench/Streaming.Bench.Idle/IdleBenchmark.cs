using System.Globalization;
using Streaming.Tooling;
using Streaming.Tooling.Processes;

namespace Streaming.Bench.Idle;

/// <summary>
/// Measures conversations that have had one reply and are idle since, on one host with the embedded model and store. The host is
/// restarted before the measurement, so that its memory is that of idle conversations and not a leftover of the replies.
/// </summary>
/// <param name="conversations">Conversations on the host.</param>
/// <param name="requests">Requests of each measurement of the hub's answers.</param>
internal sealed class IdleBenchmark(int conversations, int requests)
{
    private const double KiB = 1024;
    private readonly int _few = Math.Min(200, conversations / 2);

    private sealed record Result(double BeforeMiB, double AfterMiB, double[] Few, double[] First, double[] Second);

    public async Task RunAsync(string output, Provenance provenance, CancellationToken cancellation)
    {
        using var data = new TemporaryFolder();
        await using var host = HostProcess.Silo(data.Path, ClusterPorts.Free(), "SnapshotTokens=0", "GuestsPerMinute=1000", "Slots=16");
        await using var guests = new IdleConversations();
        await host.StartAsync(cancellation);
        await guests.ConnectAsync(host.Url, cancellation);
        await guests.CreateAsync(conversations, cancellation);
        Console.Error.WriteLine($"{conversations} conversations have had a reply.");
        await host.TerminateAsync();

        await host.StartAsync(cancellation);
        await guests.ConnectAsync(host.Url, cancellation);
        await guests.GetEachAsync(_few, cancellation); // warms up
        double[] few = await guests.GetRandomAsync(requests, _few, cancellation);
        double before = host.ResidentMiB;
        double[] first = await guests.GetEachAsync(conversations, cancellation);
        double after = host.ResidentMiB;
        double[] second = await guests.GetRandomAsync(requests, conversations, cancellation);
        await host.TerminateAsync();
        ResultsPage.Write(
            output,
            "idle",
            string.Create(CultureInfo.InvariantCulture, $"{conversations:#,0} idle conversations on one host"),
            Text(new Result(before, after, few, first, second)),
            provenance
        );
    }

    private string Text(Result result)
    {
        string table = Markdown.Table(
            ["<", ""],
            [
                ["resident memory before, MiB", $"{result.BeforeMiB:0}"],
                ["with all of them active, MiB", $"{result.AfterMiB:0}"],
                ["**KiB per conversation**", $"**{(result.AfterMiB - result.BeforeMiB) * KiB / (conversations - _few):0.0}**"],
                [$"activation and first answer, {IdleConversations.Guests} at a time, ms: median, 99th percentile", Times(result.First)],
                ["activations per second", Markdown.Count((long)(1000 * IdleConversations.Guests / result.First.Average()))],
                [$"an answer with {_few} active, one at a time, ms: median, 99th percentile", Times(result.Few)],
                ["an answer with all active, one at a time, ms: median, 99th percentile", Times(result.Second)],
            ]
        );
        return $"""
            Each conversation has had one short reply and is an active grain without a watcher. The host is restarted before the
            measurement. Resident memory is read before and after every conversation is requested once, including garbage of these
            requests. An answer is the hub's to `GetConversation`, over {IdleConversations.Guests} connections.

            {table}
            """;

        static string Times(double[] ms) => $"{ms.Median():0.00}, {ms.Quantile(0.99):0.00}";
    }
}
