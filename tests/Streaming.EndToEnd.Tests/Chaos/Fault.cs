using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>Something that happens to processes, and what mends it.</summary>
/// <param name="Kind">For the report.</param>
/// <param name="Hosts">Whom it happens to.</param>
/// <param name="Freeze">For how long they are frozen; null when they end.</param>
internal sealed record Fault(string Kind, HostProcess[] Hosts, TimeSpan? Freeze)
{
    /// <summary>Whether they are asked to leave (SIGTERM), as in a rolling upgrade, rather than killed.</summary>
    public bool IsOrderly { get; private init; }

    /// <summary>A sequence of faults: mostly one process killed, now and then two at once, or one frozen.</summary>
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

    /// <summary>A rolling restart: one silo after the other, from the first on again after the last.</summary>
    public static IEnumerable<Fault> Restarts(int count, ClusterFixture cluster) =>
        Enumerable
            .Range(0, count)
            .Select(i => new Fault("a silo restarted in good order", [cluster.Silos[i % cluster.Silos.Length]], null) { IsOrderly = true });

    /// <summary>Lets it happen.</summary>
    public async Task HappenAsync()
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

    /// <summary>Starts again what was killed; wakes what was frozen, and starts it again once it has learnt that it was given up.</summary>
    public async Task MendAsync(ClusterFixture cluster)
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
