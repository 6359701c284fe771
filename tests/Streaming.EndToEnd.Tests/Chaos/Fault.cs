using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>A fault of processes, and its repair.</summary>
/// <param name="Kind">Its name in the report.</param>
/// <param name="Hosts">The processes.</param>
/// <param name="Freeze">How long they are frozen; null if they are killed.</param>
internal sealed record Fault(string Kind, HostProcess[] Hosts, TimeSpan? Freeze)
{
    /// <summary>Whether they are shut down (SIGTERM), as in a rolling upgrade, and not killed.</summary>
    public bool IsOrderly { get; private init; }

    /// <summary>A sequence of faults: mostly one process is killed, sometimes two at once, or one is frozen.</summary>
    public static IEnumerable<Fault> Sequence(int count, int seed, ClusterFixture cluster, TimeSpan freeze)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            HostProcess silo = cluster.Silos[random.Next(cluster.Silos.Length)];
            HostProcess gateway = cluster.Gateways[random.Next(cluster.Gateways.Length)];
            yield return (i % 6) switch
            {
                1 => new Fault("a gateway killed", [gateway], null),
                2 => new Fault("a silo and a gateway killed at once", [silo, gateway], null),
                3 => new Fault("a silo frozen", [silo], freeze),
                4 => new Fault(
                    "two silos killed at once",
                    [silo, cluster.Silos[(Array.IndexOf(cluster.Silos, silo) + 1) % cluster.Silos.Length]],
                    null
                ),
                _ => new Fault("a silo killed", [silo], null),
            };
        }
    }

    /// <summary>A rolling restart: one silo after another, round and round.</summary>
    public static IEnumerable<Fault> Restarts(int count, ClusterFixture cluster) =>
        Enumerable
            .Range(0, count)
            .Select(i => new Fault("a silo restarted in good order", [cluster.Silos[i % cluster.Silos.Length]], null) { IsOrderly = true });

    /// <summary>Injects the fault.</summary>
    public async Task InjectAsync()
    {
        if (IsOrderly)
        {
            Assert.All(await Task.WhenAll(Hosts.Select(h => h.TerminateAsync())), code => Assert.Equal(0, code));
            return;
        }
        if (Freeze is null)
        {
            await Task.WhenAll(Hosts.Select(h => h.KillAsync()));
            return;
        }
        foreach (HostProcess host in Hosts)
            host.Freeze();
    }

    /// <summary>Restarts killed processes. Thaws frozen ones, and restarts them after they learn that they were declared dead.</summary>
    public async Task RepairAsync(ClusterFixture cluster)
    {
        if (Freeze is not null)
        {
            foreach (HostProcess host in Hosts)
            {
                host.Thaw();
                await host.ExitAsync();
            }
        }
        await cluster.StartAllAsync();
    }
}
