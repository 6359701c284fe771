namespace Streaming.Grains;

/// <summary>How conversations store and show what is sampled.</summary>
public sealed class ConversationOptions
{
    /// <summary>Tokens of a group that is appended and shown at once.</summary>
    public int GroupTokens { get; set; } = 16;

    /// <summary>How long the first token of a group may wait for the others.</summary>
    public TimeSpan GroupInterval { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Tokens of a long reply between two snapshots of its slot, besides the one at its end; 0 takes none at all.</summary>
    public int SnapshotTokens { get; set; } = 512;

    /// <summary>How long a deleted conversation can still be restored before it is erased.</summary>
    public TimeSpan ErasureDelay { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often the lists of what is running and of what is to be erased are swept.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(30);
}
