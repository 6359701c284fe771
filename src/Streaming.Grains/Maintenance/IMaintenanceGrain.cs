namespace Streaming.Grains.Maintenance;

/// <summary>The cluster's one grain that recovers replies and erases deleted conversations; the key is <see cref="Key"/>.</summary>
// The stored name; see StoredNamesTests.
[Alias("upkeep-grain")]
internal interface IMaintenanceGrain : IGrainWithIntegerKey, IRemindable
{
    /// <summary>Its only key.</summary>
    const long Key = 0;

    /// <summary>
    /// Wakes the conversations whose replies lost their process, and erases deleted conversations after their delay. Calls that come
    /// during a sweep share it. Waking a conversation that is awake does nothing.
    /// </summary>
    [Alias("sweep")]
    Task Sweep();
}
