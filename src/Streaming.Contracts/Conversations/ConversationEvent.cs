namespace Streaming.Contracts.Conversations;

/// <summary>The kinds of event, as they stand in the hub's JSON.</summary>
public static class EventKind
{
    /// <summary>A member's whole message.</summary>
    public const string Message = "message";

    /// <summary>A reply begins.</summary>
    public const string Started = "started";

    /// <summary>A piece of a reply.</summary>
    public const string Delta = "delta";

    /// <summary>A reply ended.</summary>
    public const string Finished = "finished";

    /// <summary>Truncation: a turn and all later ones so far no longer count.</summary>
    public const string Cut = "cut";

    /// <summary>Something that users should know.</summary>
    public const string Notice = "notice";

    /// <summary>Place in the queue for a slot; transient: not stored, without a number.</summary>
    public const string Queued = "queued";

    /// <summary>Share of a long input that was prefilled; transient.</summary>
    public const string Progress = "progress";

    /// <summary>The conversation cannot continue at the moment, <c>text</c> says why; transient.</summary>
    public const string Paused = "paused";

    /// <summary>The pause is over; transient. Any event with a number says so too.</summary>
    public const string Resumed = "resumed";

    /// <summary>The conversation was deleted; transient, and the last event.</summary>
    public const string Deleted = "deleted";
}

/// <summary>Why a reply ended, as it stands in the hub's JSON.</summary>
public static class FinishReason
{
    /// <summary>An end token or a stop string.</summary>
    public const string Stop = "stop";

    /// <summary>The limit of tokens.</summary>
    public const string Length = "length";

    /// <summary>A member stopped it.</summary>
    public const string Stopped = "stopped";

    /// <summary>A new message ended an endless reply.</summary>
    public const string Interrupted = "interrupted";

    /// <summary>The reply could not continue.</summary>
    public const string Failed = "failed";
}

/// <summary>
/// What watchers of a conversation receive, ordered by <see cref="Seq"/>. In a reply, <c>started</c> takes a number, each token
/// takes one, <c>finished</c> takes one; an event may cover a range <see cref="First"/>..<see cref="Seq"/>.
/// </summary>
[GenerateSerializer, Immutable, Alias("event")]
public sealed record ConversationEvent
{
    /// <summary>The number, or a range's last one; null for transient events.</summary>
    [Id(0)]
    public long? Seq { get; init; }

    /// <summary>The first number of a range; null when it equals <see cref="Seq"/>.</summary>
    [Id(1)]
    public long? First { get; init; }

    /// <summary>One of <see cref="EventKind"/>.</summary>
    [Id(2)]
    public required string Kind { get; init; }

    /// <summary>The turn it belongs to, counted from 1; 0 for events of the whole conversation.</summary>
    [Id(3)]
    public int Turn { get; init; }

    /// <summary>Who wrote a message: the member's identity; null for the model's.</summary>
    [Id(4)]
    public string? Author { get; init; }

    /// <summary>The text it brings.</summary>
    [Id(5)]
    public string? Text { get; init; }

    /// <summary>When it was stored (or made), UTC.</summary>
    [Id(6)]
    public DateTimeOffset At { get; init; }

    /// <summary>Of <c>finished</c>: one of <see cref="Conversations.FinishReason"/>.</summary>
    [Id(7)]
    public string? FinishReason { get; init; }

    /// <summary>Of <c>finished</c>: tokens prefilled for this reply.</summary>
    [Id(8)]
    public long? PromptTokens { get; init; }

    /// <summary>Of <c>finished</c>: tokens sampled in this reply.</summary>
    [Id(9)]
    public long? GeneratedTokens { get; init; }

    /// <summary>Of <c>finished</c>: milliseconds until the first token.</summary>
    [Id(10)]
    public double? PrefillMs { get; init; }

    /// <summary>Of <c>finished</c>: milliseconds from the first token to the last.</summary>
    [Id(11)]
    public double? DecodeMs { get; init; }

    /// <summary>Of <c>queued</c>: replies that come first, plus one.</summary>
    [Id(12)]
    public int? Place { get; init; }

    /// <summary>Of <c>progress</c>: 0 to 1.</summary>
    [Id(13)]
    public double? Share { get; init; }

    /// <summary>Of <c>queued</c>: about how many seconds the reply waits; null when there is no estimate yet.</summary>
    [Id(14)]
    public double? Seconds { get; init; }

    /// <summary>The first number that the event covers; 0 for transient events.</summary>
    public long FirstSeq() => First ?? Seq ?? 0;
}
