namespace Streaming.Grains;

/// <summary>How conversations store and show sampled tokens.</summary>
public sealed class ConversationOptions
{
    /// <summary>Tokens that are stored and shown together at most.</summary>
    public int GroupTokens { get; set; } = 16;

    /// <summary>How long the first token of a group waits for more.</summary>
    public TimeSpan GroupInterval { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Tokens of a long reply between two snapshots of its slot, besides the one at its end; 0 takes none.</summary>
    public int SnapshotTokens { get; set; } = 512;

    /// <summary>
    /// Tokens of a reply, its prompt included, before it gives its slot up while others wait; more where copying a slot takes long, so
    /// that the copies take at most a twentieth of the device's time.
    /// </summary>
    public int SliceTokens { get; set; } = 32;

    /// <summary>Tokens of a slice at most: a bound of the gaps in a reply while others wait.</summary>
    public int MaxSliceTokens { get; set; } = 2048;

    /// <summary>Megabytes of replies that gave their slot up, for each device; beyond it their snapshots go to the store.</summary>
    public int PreemptedMegabytes { get; set; } = 1024;

    /// <summary>How long a deleted conversation is kept before it is erased.</summary>
    public TimeSpan ErasureDelay { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often a silo asks for a recovery sweep.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(30);
}
