using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Conversations;

/// <summary>What a writer needs to go on where another one was killed; stored in the log's head with every append.</summary>
internal sealed record SessionState
{
    /// <summary>The reply that is running; null when none is.</summary>
    public ReplyState? Reply { get; init; }

    /// <summary>Numbers of the messages that no reply has taken up yet.</summary>
    public ImmutableArray<long> Waiting { get; init; } = [];

    /// <summary>
    /// While the ids of a long prompt are appended in several pieces: where they begin and how many of the waiting messages they
    /// render. Rendering is a function of these, so a successor goes on with the missing rest.
    /// </summary>
    public PromptState? Prompt { get; init; }

    /// <summary>Times that what is running was taken up again without a new token since.</summary>
    public int Resumptions { get; init; }

    /// <summary>
    /// Rolling hash of all ids in the order in which they were appended (of a log from before there were hashes: since then), by
    /// which snapshots are known to be of this stream. Null before the first id.
    /// </summary>
    public UInt128? StreamHash { get; init; }

    /// <summary>Key of the worker that decoded last: it may still have the tensors.</summary>
    public string? Worker { get; init; }

    /// <summary>Whether there is anything left to do.</summary>
    [JsonIgnore]
    public bool IsRunning => Reply is not null || !Waiting.IsEmpty;

    /// <summary>The state as it stands in a head.</summary>
    public static SessionState Parse(string json) =>
        json.Length == 0 ? new SessionState() : JsonSerializer.Deserialize(json, SessionJson.Default.SessionState) ?? new SessionState();

    /// <summary>The state for a head.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, SessionJson.Default.SessionState);
}

/// <summary>A prompt of which a part is in the log.</summary>
/// <param name="Start">Stream position of its first id.</param>
/// <param name="Messages">How many waiting messages it renders.</param>
internal sealed record PromptState(long Start, int Messages);

/// <summary>A running reply.</summary>
internal sealed record ReplyState
{
    /// <summary>Its turn.</summary>
    public required int Turn { get; init; }

    /// <summary>How it is sampled, every value filled in, the seed too.</summary>
    public required Sampling Sampling { get; init; }

    /// <summary>Stream position of the first id that was fed for it.</summary>
    public required long PromptStart { get; init; }

    /// <summary>Ids fed for it.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Tokens sampled and stored.</summary>
    public long Generated { get; init; }

    /// <summary>UTF-16 units of text stored.</summary>
    public long TextLength { get; init; }

    /// <summary>Bytes of an incomplete character.</summary>
    public byte[] PendingBytes { get; init; } = [];

    /// <summary>Text held back for a stop string.</summary>
    public string HeldBack { get; init; } = "";

    /// <summary>Whether it has no limit: a new message ends it.</summary>
    [JsonIgnore]
    public bool IsEndless => Sampling.MaxTokens == 0;
}

/// <summary>How a reply ended, in its <c>finished</c> event's detail.</summary>
internal sealed record FinishDetail(string FinishReason, long PromptTokens, long GeneratedTokens, double PrefillMs, double DecodeMs)
{
    /// <summary>Reads a stored detail.</summary>
    public static FinishDetail? Parse(string? json) =>
        json is null ? null : JsonSerializer.Deserialize(json, SessionJson.Default.FinishDetail);

    /// <summary>The detail to store.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, SessionJson.Default.FinishDetail);
}

[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase
)]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(FinishDetail))]
internal sealed partial class SessionJson : JsonSerializerContext;
