using System.Diagnostics;
using System.Globalization;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>
/// Kill any process, at any moment: every conversation says the very tokens that it would have said. The small version runs with
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
    public async Task Whatever_is_killed_every_conversation_says_what_it_would_have_said()
    {
        string[] gateways = [.. cluster.Gateways.Select(g => g.Url)];
        var clock = Stopwatch.StartNew();
        var report = new ChaosReport
        {
            Conversations = Conversations,
            Watchers = Watchers,
            Rest = Rest,
        };

        List<Talk> talks = await CreateAsync(gateways, Watchers, clock);
        Task talking = Task.WhenAll(talks.Select(t => t.TalkAsync(Rest)));
        await GoneOnAsync(talks, talking, WarmUp);
        foreach (Fault fault in Fault.Sequence(Faults, Seed, cluster, Freeze).Concat(Fault.Restarts(Restarts, cluster)))
        {
            await UntilAsync(() => talks.Any(t => t.IsPastEviction) || talking.IsCompleted);
            TimeSpan start = clock.Elapsed;
            if (fault.IsOrderly)
            {
                report.Restarts++;
            }
            else
            {
                report.Faults++;
                report.PastEviction += talks.Any(t => t.IsPastEviction) ? 1 : 0;
            }
            await fault.HappenAsync();
            if (fault.Freeze is { } freeze)
                await UntilAsync(() => clock.Elapsed >= start + freeze || talking.IsCompleted);
            await fault.MendAsync(cluster);
            await GoneOnAsync(talks, talking, numbers: 60);
            var longest = (Length: TimeSpan.Zero, Since: start, Of: talks[0]);
            foreach ((Talk talk, SteadyWatcher watcher) in talks.SelectMany(t => t.Watchers.Select(w => (t, w))))
            {
                (TimeSpan length, TimeSpan since) = watcher.LongestPause(start, clock.Elapsed);
                report.AddPause(fault.Kind, length);
                if (length > longest.Length)
                    longest = (length, since, talk);
            }
            TestContext.Current.SendDiagnosticMessage(
                "{0:F0} s: {1}, everybody went on after {2:F1} s; the longest pause {3:F2} s, from {4:F2} s after the fault on, of {5}",
                start.TotalSeconds,
                fault.Kind,
                (clock.Elapsed - start).TotalSeconds,
                longest.Length.TotalSeconds,
                (longest.Since - start).TotalSeconds,
                longest.Of.Id
            );
        }
        talks.ForEach(t => t.End());
        await talking.WaitAsync(Limit, TestContext.Current.CancellationToken);

        // Without a fault, a cluster or the emulator: one silo with its embedded store.
        using var folder = new TemporaryFolder();
        await using HostProcess alone = HostProcess.Silo(folder.Path, ClusterPorts.Free(), ClusterFixture.Decoding);
        await alone.StartAsync();
        List<Talk> undisturbed = await CreateAsync([alone.Url], 1, clock);
        await Task.WhenAll(undisturbed.Zip(talks).Select(pair => pair.First.TalkAsync(TimeSpan.Zero, pair.Second.Exchanges)));
        foreach ((Talk talk, Talk reference) in talks.Zip(undisturbed))
        {
            List<string> replies = await talk.RepliesAsync();
            foreach (SteadyWatcher watcher in talk.Watchers)
            {
                await watcher.FinishedAsync(2 * talk.Exchanges);
                report.Numbers += watcher.LastSeq;
                report.NotAsStored += replies.Where((reply, i) => watcher.TextOf(2 * i + 2) != reply).Count();
            }
            List<string> expected = await reference.RepliesAsync();
            Assert.Equal(expected.Count, replies.Count);
            report.Replies += replies.Count;
            report.Differing += replies.Zip(expected).Count(pair => pair.First != pair.Second);
        }
        foreach (Talk talk in talks.Concat(undisturbed))
            await talk.DisposeAsync();

        if (Environment.GetEnvironmentVariable("STREAMING_CHAOS_REPORT") is { Length: > 0 } path)
            await File.WriteAllTextAsync(path, report.ToString(), TestContext.Current.CancellationToken);
        TestContext.Current.SendDiagnosticMessage("{0}", report);
        Assert.Equal((0, 0), (report.NotAsStored, report.Differing));
        Assert.True(
            report.PastEviction >= Faults * 25 / 30,
            $"{report.PastEviction} of {Faults} faults met a reply past its first eviction."
        );
    }

    private static async Task<List<Talk>> CreateAsync(string[] gateways, int watchers, Stopwatch clock)
    {
        await using ChatClient client = await ChatClient.ConnectAsync(gateways[0]);
        var talks = new List<Talk>();
        for (int i = 0; i < Conversations; i++)
            talks.Add(await Talk.CreateAsync(client, i, gateways, watchers, clock));
        return talks;
    }

    /// <summary>Waits until every watcher has seen so many numbers more.</summary>
    private async Task GoneOnAsync(List<Talk> talks, Task talking, int numbers)
    {
        (SteadyWatcher Watcher, long Target)[] targets = [.. talks.SelectMany(t => t.Watchers).Select(w => (w, w.LastSeq + numbers))];
        try
        {
            await UntilAsync(() => talking.IsFaulted || targets.All(t => t.Watcher.LastSeq >= t.Target));
            if (talking.IsFaulted)
                await talking;
        }
        catch (OperationCanceledException)
        {
            string[] behind = await Task.WhenAll(
                talks
                    .Where(t => t.Watchers.Any(w => targets.Any(of => of.Watcher == w && w.LastSeq < of.Target)))
                    .Select(t => t.DescribeAsync())
            );
            throw new TimeoutException(
                $"Not all watchers went on within {Limit}; these conversations did not: {string.Join("; ", behind)}.\n{cluster.Output}"
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
