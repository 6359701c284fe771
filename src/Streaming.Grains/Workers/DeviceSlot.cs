using Streaming.Inference.Caching;

namespace Streaming.Grains.Workers;

/// <summary>A slot of a device, as its worker knows it.</summary>
internal sealed class DeviceSlot(int index)
{
    /// <summary>Its number on the device.</summary>
    public int Index => index;

    /// <summary>Its content; null when it is unknown and must be rebuilt.</summary>
    public SlotContent? Content { get; set; }

    /// <summary>The lease that holds it; null when it is free.</summary>
    public SlotLease? Lease { get; set; }

    /// <summary>When it was last used, in the table's own count.</summary>
    public long UsedAt { get; set; }
}

/// <summary>The content of a slot: a conversation's stream up to a position.</summary>
/// <param name="ConversationId">The conversation.</param>
/// <param name="Branch">Its branch.</param>
/// <param name="Layout">F and W.</param>
/// <param name="Fed">Stream position of the next token to feed.</param>
internal sealed record SlotContent(string ConversationId, int Branch, CacheLayout Layout, long Fed);
