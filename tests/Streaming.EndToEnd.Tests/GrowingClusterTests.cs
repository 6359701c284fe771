using Streaming.Azurite;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests;

/// <summary>A cluster grows from one silo to three and shrinks again, while more replies run than one silo has slots for.</summary>
public sealed class GrowingClusterTests
{
    private const int Silos = 3;
    private const int SlotsPerSilo = 2;

    [Fact]
    public async Task Replies_spread_over_silos_that_join_and_queue_when_silos_shut_down()
    {
        using var data = new TemporaryFolder();
        await using AzuriteProcess azurite = await AzuriteProcess.StartInMemoryAsync();
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
        await using var gateway = HostProcess.Gateway(ClusterPorts.Free(), FreePorts.Take(), ["InspectCache=true", .. cluster]);
        await first.StartAsync();
        await gateway.StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(gateway.Url);

        // One silo has slots for two endless replies; the others queue.
        var conversations = new List<EndlessReply>();
        for (int i = 0; i < Silos * SlotsPerSilo; i++)
        {
            EndlessReply conversation = await EndlessReply.StartAsync(client);
            conversations.Add(conversation);
            if (i < SlotsPerSilo)
                await conversation.ReachAsync(client, 20, first, gateway);
            else
                Assert.True(await conversation.Watcher.UntilAsync(client, e => e.Kind == "queued"));
        }

        // An endless reply keeps its slot, so if all six advance, each silo runs two.
        await second.StartAsync();
        await last.StartAsync();
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80, [.. silos, gateway])));

        using (var seen = new CancellationTokenSource())
        {
            Task<bool>[] waiting =
            [
                .. conversations.Select(c => c.Watcher.UntilAsync(client, e => e.Kind == "queued", leaving: seen.Token)),
            ];
            Assert.Equal(0, await first.TerminateAsync()); // All conversations were created there.
            Assert.Equal(0, await second.TerminateAsync());
            await CompleteAsync(waiting, (Silos - 1) * SlotsPerSilo);
            await seen.CancelAsync();
            await Task.WhenAll(waiting).ContinueWith(_ => { }, TaskScheduler.Default);
            // The replies with slots were not queued: their watchers were cancelled. No watcher met a gap.
            Assert.All(
                waiting,
                w =>
                    Assert.True(
                        w.IsCompletedSuccessfully ? w.Result : w.Exception!.InnerException is TimeoutException,
                        w.Exception?.ToString()
                    )
            );
        }

        // Each reply that ends frees a slot for a queued one.
        foreach (EndlessReply conversation in conversations.Take((Silos - 1) * SlotsPerSilo))
            await conversation.StopAsync(client);
        EndlessReply[] remaining = [.. conversations.Skip((Silos - 1) * SlotsPerSilo)];
        await Task.WhenAll(remaining.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 40, last, gateway)));
        foreach (EndlessReply conversation in remaining)
            await conversation.StopAsync(client);
        foreach (EndlessReply conversation in conversations)
            await conversation.AssertStoredAsShownAsync(client);
    }

    /// <summary>Waits until a number of tasks have completed.</summary>
    private static async Task CompleteAsync(IEnumerable<Task> tasks, int count)
    {
        var open = tasks.ToList();
        for (int completed = 0; completed < count; completed++)
            open.Remove(await Task.WhenAny(open).WaitAsync(Watcher.DefaultLimit, TestContext.Current.CancellationToken));
    }
}
