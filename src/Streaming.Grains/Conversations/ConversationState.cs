using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Conversations;

/// <summary>What defines a conversation, in grain storage: constant in size and rarely written.</summary>
[GenerateSerializer, Alias("conversation-state")]
internal sealed class ConversationState : IVersionedState
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

    /// <summary>The system prompt at the beginning of the stream; null when there is none.</summary>
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

    /// <summary>W: the places that F leaves.</summary>
    [Id(7)]
    public int Window { get; set; }

    /// <summary>The checkpoint's display name.</summary>
    [Id(8)]
    public string Model { get; set; } = "";

    /// <summary>Fingerprint of the checkpoint whose vocabulary the ids belong to.</summary>
    [Id(9)]
    public string Fingerprint { get; set; } = "";

    /// <summary>When it was created, UTC.</summary>
    [Id(10)]
    public DateTimeOffset CreatedAt { get; set; }

    /// <inheritdoc/>
    [Id(11)]
    public int RequiredVersion { get; set; } = 1;

    /// <summary>Whether an identity is the owner or a member.</summary>
    public bool IsMember(string identity) => identity.Length > 0 && (Owner == identity || Members.Contains(identity));
}
