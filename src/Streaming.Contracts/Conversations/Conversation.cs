namespace Streaming.Contracts.Conversations;

/// <summary>How replies are sampled; null values take the checkpoint's or the service's default.</summary>
[GenerateSerializer, Immutable, Alias("sampling")]
public sealed record Sampling
{
    /// <summary>0 to 100; 0 takes the most likely token.</summary>
    [Id(0)]
    public double? Temperature { get; init; }

    /// <summary>Above 0, at most 1.</summary>
    [Id(1)]
    public double? TopP { get; init; }

    /// <summary>0 (off) or more.</summary>
    [Id(2)]
    public int? TopK { get; init; }

    /// <summary>0 (off) to 1.</summary>
    [Id(3)]
    public double? MinP { get; init; }

    /// <summary><see cref="Limits.LeastRepeatPenalty"/> to 100; 1 is off.</summary>
    [Id(4)]
    public double? RepeatPenalty { get; init; }

    /// <summary>-2 to 2; 0 is off.</summary>
    [Id(5)]
    public double? FrequencyPenalty { get; init; }

    /// <summary>-2 to 2; 0 is off.</summary>
    [Id(6)]
    public double? PresencePenalty { get; init; }

    /// <summary>Seed of the randomness; null draws a new one for each reply.</summary>
    [Id(7)]
    public long? Seed { get; init; }

    /// <summary>Tokens that a reply may have; 0 is endless; <see cref="Limits.DefaultReplyTokens"/> by default.</summary>
    [Id(8)]
    public long? MaxTokens { get; init; }

    /// <summary>Whether end tokens and other control tokens are never sampled.</summary>
    [Id(9)]
    public bool? IgnoreEos { get; init; }

    /// <summary>
    /// Texts or control tokens that end a reply and are not part of it: at most <see cref="Limits.StopStrings"/> of at most
    /// <see cref="Limits.StopStringLength"/> characters.
    /// </summary>
    [Id(10)]
    public IReadOnlyList<string>? Stop { get; init; }

    /// <summary>
    /// Added to the logits of tokens, -100 (forbids) to 100 (demands); ids of the checkpoint's tokenizer, at most
    /// <see cref="Limits.LogitBiases"/>.
    /// </summary>
    [Id(11)]
    public IReadOnlyDictionary<int, double>? LogitBias { get; init; }

    /// <summary>Above 0, at most 1 (off): locally typical sampling.</summary>
    [Id(12)]
    public double? TypicalP { get; init; }

    /// <summary>Sequences of this many tokens that are in the cache are not repeated; 0 is off.</summary>
    [Id(13)]
    public int? NoRepeatNgramSize { get; init; }

    /// <summary>Tokens that are never sampled, at most <see cref="Limits.SuppressedTokens"/>.</summary>
    [Id(14)]
    public IReadOnlyList<int>? SuppressTokens { get; init; }

    /// <summary>Tokens that do not begin a reply, at most <see cref="Limits.SuppressedTokens"/>.</summary>
    [Id(15)]
    public IReadOnlyList<int>? BeginSuppressTokens { get; init; }

    /// <summary>
    /// At most <see cref="Limits.BadWords"/> sequences of 1 to <see cref="Limits.BadWordLength"/> tokens that are not sampled.
    /// </summary>
    [Id(16)]
    public IReadOnlyList<IReadOnlyList<int>>? BadWordsIds { get; init; }

    /// <summary>Tokens that a reply has before an end token is sampled; 0 is off.</summary>
    [Id(17)]
    public long? MinNewTokens { get; init; }
}

/// <summary>A request to create a conversation.</summary>
[GenerateSerializer, Immutable, Alias("new-conversation")]
public sealed record NewConversation
{
    /// <summary>Shown in lists; null takes the beginning of the first message.</summary>
    [Id(0)]
    public string? Title { get; init; }

    /// <summary>Instructions at the beginning of the stream.</summary>
    [Id(1)]
    public string? SystemPrompt { get; init; }

    /// <summary>Whether the system prompt is never evicted, like the sinks; null means yes.</summary>
    [Id(2)]
    public bool? PinSystemPrompt { get; init; }

    /// <summary>How replies are sampled.</summary>
    [Id(3)]
    public Sampling? Sampling { get; init; }

    /// <summary>S; null takes the service's default.</summary>
    [Id(4)]
    public int? Sinks { get; init; }

    /// <summary>W; null takes the service's default.</summary>
    [Id(5)]
    public int? Window { get; init; }
}

/// <summary>A request to change a conversation; null leaves a property as it is.</summary>
[GenerateSerializer, Immutable, Alias("conversation-changes")]
public sealed record ConversationChanges
{
    /// <summary>A new title.</summary>
    [Id(0)]
    public string? Title { get; init; }

    /// <summary>New sampling from the next reply on; replaces all of the old one.</summary>
    [Id(1)]
    public Sampling? Sampling { get; init; }
}

/// <summary>A conversation as its members see it.</summary>
[GenerateSerializer, Immutable, Alias("conversation")]
public sealed record Conversation
{
    /// <summary>Its id, URL-safe.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>Its title; null until the first message.</summary>
    [Id(1)]
    public string? Title { get; init; }

    /// <summary>The checkpoint that writes the replies.</summary>
    [Id(2)]
    public required string Model { get; init; }

    /// <summary>When it was created, UTC.</summary>
    [Id(3)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a message was last stored, UTC.</summary>
    [Id(4)]
    public DateTimeOffset ActiveAt { get; init; }

    /// <summary>The last event's number; 0 before the first.</summary>
    [Id(5)]
    public long LastSeq { get; init; }

    /// <summary>The turn of the reply that is running or waiting; null when none is.</summary>
    [Id(6)]
    public int? Running { get; init; }

    /// <summary>Tokens of the stream.</summary>
    [Id(7)]
    public long Position { get; init; }

    /// <summary>Cuts so far.</summary>
    [Id(8)]
    public int Branch { get; init; }

    /// <summary>S.</summary>
    [Id(9)]
    public int Sinks { get; init; }

    /// <summary>W: the rolling part, what the fixed part leaves of all places.</summary>
    [Id(10)]
    public int Window { get; init; }

    /// <summary>F: places that are never evicted.</summary>
    [Id(11)]
    public int Fixed { get; init; }

    /// <summary>Tokens that were evicted.</summary>
    [Id(12)]
    public long Forgotten { get; init; }

    /// <summary>How replies are sampled.</summary>
    [Id(13)]
    public Sampling Sampling { get; init; } = new();
}

/// <summary>An entry of a list of conversations.</summary>
[GenerateSerializer, Immutable, Alias("conversation-entry")]
public sealed record ConversationEntry(
    [property: Id(0)] string Id,
    [property: Id(1)] string? Title,
    [property: Id(2)] DateTimeOffset CreatedAt,
    [property: Id(3)] DateTimeOffset ActiveAt
);

/// <summary>A page of conversations, last active first.</summary>
/// <param name="Items">The entries.</param>
/// <param name="Next">What to pass as <c>after</c> for the next page; null at the end.</param>
[GenerateSerializer, Immutable, Alias("conversation-page")]
public sealed record ConversationPage([property: Id(0)] IReadOnlyList<ConversationEntry> Items, [property: Id(1)] string? Next);

/// <summary>The turn and event of a message that was sent.</summary>
/// <param name="Turn">Its turn.</param>
/// <param name="Seq">Its event's number.</param>
[GenerateSerializer, Immutable, Alias("sent")]
public sealed record Sent([property: Id(0)] int Turn, [property: Id(1)] long Seq);

/// <summary>A turn, or a piece of at most 64 KiB of a long one.</summary>
[GenerateSerializer, Immutable, Alias("turn-item")]
public sealed record TurnItem
{
    /// <summary>The turn's number.</summary>
    [Id(0)]
    public int Turn { get; init; }

    /// <summary>Who wrote it: a member's identity; null for the model.</summary>
    [Id(1)]
    public string? Author { get; init; }

    /// <summary>The text, or this piece of it.</summary>
    [Id(2)]
    public string Text { get; init; } = "";

    /// <summary>Where in the turn's text the piece starts, in UTF-16 units.</summary>
    [Id(3)]
    public long From { get; init; }

    /// <summary>The number that the text reaches: watch after it to go on without a gap.</summary>
    [Id(4)]
    public long Seq { get; init; }

    /// <summary>Of a reply's last piece, once it ended.</summary>
    [Id(5)]
    public string? FinishReason { get; init; }

    /// <summary>When it was stored, UTC.</summary>
    [Id(6)]
    public DateTimeOffset At { get; init; }
}

/// <summary>A page of turns, ascending inside; the latest page comes first.</summary>
/// <param name="Items">The turns or pieces.</param>
/// <param name="Next">What to pass as <c>before</c> for the page before this one; null at the beginning.</param>
[GenerateSerializer, Immutable, Alias("turn-page")]
public sealed record TurnPage([property: Id(0)] IReadOnlyList<TurnItem> Items, [property: Id(1)] long? Next);

/// <summary>Stored events after some number.</summary>
/// <param name="Events">In order, without a gap; deltas of one turn joined as far as the page allows.</param>
/// <param name="LastSeq">The conversation's last number when the page was read.</param>
[GenerateSerializer, Immutable, Alias("event-page")]
public sealed record EventPage([property: Id(0)] IReadOnlyList<ConversationEvent> Events, [property: Id(1)] long LastSeq);

/// <summary>The token ids that a conversation's attention sees.</summary>
[GenerateSerializer, Immutable, Alias("cache-view")]
public sealed record CacheView(
    [property: Id(0)] long Position,
    [property: Id(1)] int Branch,
    [property: Id(2)] IReadOnlyList<int> FixedIds,
    [property: Id(3)] IReadOnlyList<int> WindowIds
);
