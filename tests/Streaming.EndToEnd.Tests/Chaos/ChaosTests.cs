using System.Diagnostics;
using System.Globalization;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>
/// Processes are killed and frozen at any moment, and every conversation has the same tokens as without faults. A small version runs with
/// the tests; <c>tests/chaos.sh</c> sets the variables for the full one and keeps its report.
/// </summary>
[Collection<ClusterCollection>]
public sealed class ChaosTests(ClusterFixture cluster)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly int Faults = Number("STREAMING_CHAOS_FAULTS", 6);
    private static readonly int Restarts = Number("STREAMING_CHAOS_RESTARTS", 0);
    private static readonly int Conversations = Number("STREAMING_CHAOS_CONVERSATIONS", 6);
    private static readonly int Watchers = Number("STREAMING_CHAOS_WATCHERS", 2);
    private static readonly TimeSpan Freeze = TimeSpan.FromSeconds(Number("STREAMING_CHAOS_FREEZE_SECONDS", 7));
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(Number("STREAMING_CHAOS_REST_SECONDS", 0));
    private static readonly int WarmUp = Number("STREAMING_CHAOS_WARM_UP_NUMBERS", 100);
    private static readonly int Seed = Number("STREAMING_CHAOS_SEED", 20);

    [Fact]
    public async Task Replies_are_the_same_as_without_faults_whatever_process_is_killed_or_frozen()
    {
        string[] gateways = [.. cluster.Gateways.Select(g => g.Url)];
        var clock = Stopwatch.StartNew();
        var report = new ChaosReport
        {
            Conversations = Conversations,
            Watchers = Watchers,
            Rest = Rest,
        };

        List<ChaosConversation> conversations = await CreateAsync(gateways, Watchers, clock);
        var running = Task.WhenAll(conversations.Select(t => t.RunAsync(Rest)));
        await ContinuedAsync(conversations, running, WarmUp);
        foreach (Fault fault in Fault.Sequence(Faults, Seed, cluster, Freeze).Concat(Fault.Restarts(Restarts, cluster)))
        {
            await UntilAsync(() => conversations.Any(c => c.IsPastEviction) || running.IsCompleted);
            TimeSpan start = clock.Elapsed;
            if (fault.IsOrderly)
            {
                report.Restarts++;
            }
            else
            {
                report.Faults++;
                report.PastEviction += conversations.Any(t => t.IsPastEviction) ? 1 : 0;
            }
            await fault.InjectAsync();
            if (fault.Freeze is { } freeze)
                await UntilAsync(() => clock.Elapsed >= start + freeze || running.IsCompleted);
            await fault.RepairAsync(cluster);
            await ContinuedAsync(conversations, running, numbers: 60);
            (TimeSpan Length, TimeSpan Since, ChaosConversation Of) longest = (Length: TimeSpan.Zero, Since: start, Of: conversations[0]);
            foreach (
                (ChaosConversation conversation, SteadyWatcher watcher) in conversations.SelectMany(c => c.Watchers.Select(w => (c, w)))
            )
            {
                (TimeSpan length, TimeSpan since) = watcher.LongestPause(start, clock.Elapsed);
                report.AddPause(fault.Kind, length);
                if (length > longest.Length)
                    longest = (length, since, conversation);
            }
            TestContext.Current.SendDiagnosticMessage(
                "{0:F0} s: {1}; all watchers continued after {2:F1} s; longest pause {3:F2} s, beginning {4:F2} s after the fault, of {5}",
                start.TotalSeconds,
                fault.Kind,
                (clock.Elapsed - start).TotalSeconds,
                longest.Length.TotalSeconds,
                (longest.Since - start).TotalSeconds,
                longest.Of.Id
            );
        }
        conversations.ForEach(t => t.End());
        await running.WaitAsync(Limit, TestContext.Current.CancellationToken);

        // The reference: one silo with its embedded store, without faults.
        using var folder = new TemporaryFolder();
        await using var alone = HostProcess.Silo(folder.Path, ClusterPorts.Free(), ClusterFixture.Decoding);
        await alone.StartAsync();
        List<ChaosConversation> references = await CreateAsync([alone.Url], 1, clock);
        await Task.WhenAll(references.Zip(conversations).Select(pair => pair.First.RunAsync(TimeSpan.Zero, pair.Second.Exchanges)));
        foreach ((ChaosConversation conversation, ChaosConversation reference) in conversations.Zip(references))
        {
            List<string> replies = await conversation.RepliesAsync();
            foreach (SteadyWatcher watcher in conversation.Watchers)
            {
                await watcher.FinishedAsync(2 * conversation.Exchanges);
                report.Numbers += watcher.LastSeq;
                report.NotAsStored += replies.Where((reply, i) => watcher.TextOf(2 * i + 2) != reply).Count();
            }
            List<string> expected = await reference.RepliesAsync();
            Assert.Equal(expected.Count, replies.Count);
            report.Replies += replies.Count;
            report.Differing += replies.Zip(expected).Count(pair => pair.First != pair.Second);
        }
        foreach (ChaosConversation conversation in conversations.Concat(references))
            await conversation.DisposeAsync();

        if (Environment.GetEnvironmentVariable("STREAMING_CHAOS_REPORT") is { Length: > 0 } path)
            await File.WriteAllTextAsync(path, report.ToString(), TestContext.Current.CancellationToken);
        TestContext.Current.SendDiagnosticMessage("{0}", report);
        Assert.Equal((0, 0), (report.NotAsStored, report.Differing));
        Assert.True(
            report.PastEviction >= Faults * 25 / 30,
            $"Only {report.PastEviction} of {Faults} faults happened while a reply was past its first eviction."
        );
    }

    private static async Task<List<ChaosConversation>> CreateAsync(string[] gateways, int watchers, Stopwatch clock)
    {
        await using ChatClient client = await ChatClient.ConnectAsync(gateways[0]);
        var conversations = new List<ChaosConversation>();
        for (int i = 0; i < Conversations; i++)
            conversations.Add(await ChaosConversation.CreateAsync(client, i, gateways, watchers, clock));
        return conversations;
    }

    /// <summary>Waits until every watcher has seen a number of further events.</summary>
    private async Task ContinuedAsync(List<ChaosConversation> conversations, Task running, int numbers)
    {
        (SteadyWatcher Watcher, long Target)[] targets =
        [
            .. conversations.SelectMany(t => t.Watchers).Select(w => (w, w.LastSeq + numbers)),
        ];
        try
        {
            await UntilAsync(() => running.IsFaulted || targets.All(t => t.Watcher.LastSeq >= t.Target));
            if (running.IsFaulted)
                await running;
        }
        catch (OperationCanceledException)
        {
            string[] behind = await Task.WhenAll(
                conversations
                    .Where(t => t.Watchers.Any(w => targets.Any(of => of.Watcher == w && w.LastSeq < of.Target)))
                    .Select(t => t.DescribeAsync())
            );
            throw new TimeoutException(
                $"Watchers of these conversations did not continue within {Limit}: {string.Join("; ", behind)}.\n{cluster.Output}"
            );
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!condition())
            await look.WaitForNextTickAsync(limit.Token);
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
