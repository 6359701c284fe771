using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Persistence;

/// <summary>What a writer needs to continue where another one was killed; stored in the log's head with every append.</summary>
internal sealed record SessionState
{
    /// <summary>The running reply; null when none runs.</summary>
    public ReplyState? Reply { get; init; }

    /// <summary>Numbers of the messages that no reply answers yet.</summary>
    public ImmutableArray<long> Waiting { get; init; } = [];

    /// <summary>
    /// While the ids of a long prompt are appended in several pieces: where they begin, and how many waiting messages they render.
    /// The rendering is a function of these, so a successor appends the missing rest.
    /// </summary>
    public PromptState? Prompt { get; init; }

    /// <summary>How often the reply began again since its last token; waiting for a slot is no beginning.</summary>
    public int Resumptions { get; init; }

    /// <summary>
    /// Rolling hash of all ids in the order of their appends, which identifies snapshots of this stream; null before the first id. In
    /// a log that is older than the hash it covers the ids since the hash was introduced.
    /// </summary>
    public UInt128? StreamHash { get; init; }

    /// <summary>Key of the worker that decoded last: it may still have the tensors.</summary>
    public string? Worker { get; init; }

    /// <summary>Whether there is anything left to do.</summary>
    [JsonIgnore]
    public bool IsRunning => Reply is not null || !Waiting.IsEmpty;

    /// <summary>Parses the state in a log's head.</summary>
    public static SessionState Parse(string json) =>
        json.Length == 0 ? new SessionState() : JsonSerializer.Deserialize(json, SessionJson.Default.SessionState) ?? new SessionState();

    /// <summary>The state as a log's head stores it.</summary>
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

    /// <summary>Its sampling with every value filled in, including the seed.</summary>
    public required Sampling Sampling { get; init; }

    /// <summary>Stream position of the first id of its prompt.</summary>
    public required long PromptStart { get; init; }

    /// <summary>Ids of its prompt.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Tokens sampled and stored.</summary>
    public long Generated { get; init; }

    /// <summary>UTF-16 units of text stored.</summary>
    public long TextLength { get; init; }

    /// <summary>Bytes of an incomplete character.</summary>
    public byte[] PendingBytes { get; init; } = [];

    /// <summary>Text that is held back because it may begin a stop string.</summary>
    public string HeldBack { get; init; } = "";

    /// <summary>Whether it has no limit: a new message ends it.</summary>
    [JsonIgnore]
    public bool IsEndless => Sampling.MaxTokens == 0;
}

/// <summary>How a reply ended, in its <c>finished</c> event's detail.</summary>
internal sealed record FinishDetail(string FinishReason, long PromptTokens, long GeneratedTokens, double PrefillMs, double DecodeMs)
{
    /// <summary>Parses a stored detail.</summary>
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
