namespace Streaming.Grains.Upkeep;

/// <summary>The one of the cluster that looks after all conversations; the key is <see cref="Key"/>.</summary>
[Alias("upkeep-grain")]
internal interface IUpkeepGrain : IGrainWithIntegerKey, IRemindable
{
    /// <summary>Its only key.</summary>
    const long Key = 0;

    /// <summary>
    /// Wakes the replies that lost their process, and erases deleted conversations whose time to be restored is over; once for all
    /// who ask meanwhile. Waking a conversation that is awake does nothing.
    /// </summary>
    [Alias("sweep")]
    Task Sweep();
}
