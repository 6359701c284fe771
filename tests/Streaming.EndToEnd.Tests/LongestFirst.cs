using Streaming.EndToEnd.Tests;
using Streaming.EndToEnd.Tests.Hosts;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace Streaming.EndToEnd.Tests;

/// <summary>Starts the longest classes first, so that the last one to run is short and no core idles beside it.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        nameof(ClusterCollection),
        nameof(KillTests),
        nameof(AzureClusterTests),
        nameof(GrowingClusterTests),
        nameof(SnapshotRecoveryTests),
        nameof(StoreFaultTests),
        nameof(HostInputTests),
        nameof(EnduranceTests),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(Rank)];

    /// <summary>A collection is named after its class, or after the class that defines it.</summary>
    private static int Rank<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection
    {
        int index = Array.FindIndex(Longest, name => collection.TestCollectionDisplayName.Contains($".{name} ", StringComparison.Ordinal));
        return index < 0 ? Longest.Length : index;
    }
}
