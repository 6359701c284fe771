using Streaming.Azurite;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests;

/// <summary>From one silo to three and back to one, while conversations run that want more slots than one silo has.</summary>
public sealed class GrowingClusterTests
{
    private const int Silos = 3;
    private const int SlotsPerSilo = 2;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Conversations_spread_over_silos_that_join_and_wait_in_line_when_these_leave()
    {
        using var data = new TemporaryFolder();
        await using AzuriteProcess azurite = await AzuriteProcess.StartNewAsync();
        string[] cluster = ClusterFixture.Settings(azurite.ConnectionString);
        HostProcess[] silos =
        [
            .. Enumerable
                .Range(0, Silos)
                .Select(i =>
                    HostProcess.Silo(
                        Path.Combine(data.Path, $"store{i}"),
                        ClusterPorts.Free(),
                        ["Storage=Azure", "Threads=1", $"Slots={SlotsPerSilo}", .. cluster]
                    )
                ),
        ];
        await using HostProcess first = silos[0],
            second = silos[1],
            last = silos[2];
        await using HostProcess gateway = HostProcess.Gateway(ClusterPorts.Free(), FreePorts.Take(), ["InspectCache=true", .. cluster]);
        await first.StartAsync();
        await gateway.StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(gateway.Url);

        // One silo has slots for two endless replies: all others wait in line.
        var conversations = new List<EndlessReply>();
        for (int i = 0; i < Silos * SlotsPerSilo; i++)
        {
            EndlessReply conversation = await EndlessReply.StartAsync(client);
            conversations.Add(conversation);
            if (i < SlotsPerSilo)
                await conversation.ReachAsync(client, 20, first, gateway);
            else
                Assert.True(await conversation.Watcher.UntilAsync(client, e => e.Kind == "queued", Limit));
        }

        // An endless reply gives its slot to nobody: when all speak, there are two at each silo.
        await second.StartAsync();
        await last.StartAsync();
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80, [.. silos, gateway])));

        using (var seen = new CancellationTokenSource())
        {
            Task<bool>[] waiting =
            [
                .. conversations.Select(c => c.Watcher.UntilAsync(client, e => e.Kind == "queued", 2 * Limit, seen.Token)),
            ];
            Assert.Equal(0, await first.TerminateAsync()); // Where all conversations began.
            Assert.Equal(0, await second.TerminateAsync());
            await CompleteAsync(waiting, (Silos - 1) * SlotsPerSilo);
            await seen.CancelAsync();
            await Task.WhenAll(waiting).ContinueWith(_ => { }, TaskScheduler.Default);
            // Whoever did not wait was called off, and nobody met a gap.
            Assert.All(
                waiting,
                w =>
                    Assert.True(
                        w.IsCompletedSuccessfully ? w.Result : w.Exception!.InnerException is TimeoutException,
                        w.Exception?.ToString()
                    )
            );
        }

        // Each that ends makes room for one that waits.
        foreach (EndlessReply conversation in conversations.Take((Silos - 1) * SlotsPerSilo))
            await conversation.StopAsync(client);
        EndlessReply[] remaining = [.. conversations.Skip((Silos - 1) * SlotsPerSilo)];
        await Task.WhenAll(remaining.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 40, last, gateway)));
        foreach (EndlessReply conversation in remaining)
            await conversation.StopAsync(client);
        foreach (EndlessReply conversation in conversations)
            await conversation.AssertStoredAsShownAsync(client);
    }

    /// <summary>Waits until so many have completed.</summary>
    private static async Task CompleteAsync(IEnumerable<Task> tasks, int count)
    {
        var open = tasks.ToList();
        for (int completed = 0; completed < count; completed++)
            open.Remove(await Task.WhenAny(open).WaitAsync(Limit, TestContext.Current.CancellationToken));
    }
}
