namespace Streaming.Grains.Workers;

/// <summary>An owner's share of a device: what its replies got while somebody waited.</summary>
internal sealed class SlotOwner
{
    /// <summary>Tokens of its replies, prompts included, in the count that all owners of a device share.</summary>
    public long Tokens { get; set; }

    /// <summary>Leases, waiting or not.</summary>
    public int Leases { get; set; }

    /// <summary>Leases that have had a slot: an owner without any is a newcomer.</summary>
    public int Begun { get; set; }
}
