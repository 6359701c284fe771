using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Conversations;

/// <summary>The little that defines a conversation, in grain storage: constant in size, written seldom.</summary>
[GenerateSerializer, Alias("conversation-state")]
internal sealed class ConversationState
{
    /// <summary>The owner's identity.</summary>
    [Id(0)]
    public string Owner { get; set; } = "";

    /// <summary>Other identities that may read and write.</summary>
    [Id(1)]
    public List<string> Members { get; set; } = [];

    /// <summary>Shown in lists; null until the first message.</summary>
    [Id(2)]
    public string? Title { get; set; }

    /// <summary>What the stream begins with.</summary>
    [Id(3)]
    public string? SystemPrompt { get; set; }

    /// <summary>How replies are sampled.</summary>
    [Id(4)]
    public Sampling Sampling { get; set; } = new();

    /// <summary>S.</summary>
    [Id(5)]
    public int Sinks { get; set; }

    /// <summary>F: S, or the length of the pinned prompt if it is longer.</summary>
    [Id(6)]
    public int Fixed { get; set; }

    /// <summary>W: what F leaves of the conversation's places.</summary>
    [Id(7)]
    public int Window { get; set; }

    /// <summary>The checkpoint's name, for people.</summary>
    [Id(8)]
    public string Model { get; set; } = "";

    /// <summary>The checkpoint's fingerprint: ids mean something only to it.</summary>
    [Id(9)]
    public string Fingerprint { get; set; } = "";

    /// <summary>When it was created, UTC.</summary>
    [Id(10)]
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>Whether an identity is the owner or a member.</summary>
    public bool IsMember(string identity) => identity.Length > 0 && (Owner == identity || Members.Contains(identity));
}
