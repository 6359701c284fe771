namespace Streaming.Contracts.Workers;

/// <summary>
/// The owner of one device of one silo, pinned to it; <see cref="WorkerKey"/> makes the key. It owns the device's slots: which
/// conversation is in which, which conversations wait for one, and which is evicted when another needs its slot.
/// </summary>
[Alias("worker-grain")]
public interface IWorkerGrain : IGrainWithStringKey
{
    /// <summary>
    /// Prefills and decodes for a conversation. The stream holds <see cref="SlotQueued"/> while no slot is free, then progress,
    /// tokens and one <see cref="ReplyEnded"/>. While others wait, it may be queued again between two tokens. A slot that does not
    /// continue the conversation's stream is first restored from a snapshot or rebuilt from the log. While one activation of a
    /// conversation decodes, an older epoch is refused and a newer one takes over. A <see cref="Heartbeat"/> comes whenever nothing
    /// else came for <see cref="Limits.HeartbeatInterval"/>. When the
    /// worker's silo shuts down, or after <see cref="HandBack"/>, the stream ends with <see cref="HandedBack"/> instead.
    /// </summary>
    [Alias("decode")]
    IAsyncEnumerable<DecodeUpdate> Decode(DecodeRequest request, CancellationToken cancellation = default);

    /// <summary>
    /// Lets a reply begin in the slot of which <see cref="SlotGranted"/> told: its conversation has stored that it is at work. Without
    /// an effect when no such reply waits.
    /// </summary>
    [Alias("begin")]
    Task Begin(string conversationId, long epoch);

    /// <summary>Ends the conversation's reply after the current step; its stream then brings the rest and the end.</summary>
    [Alias("stop")]
    Task Stop(string conversationId, long epoch, string finishReason);

    /// <summary>
    /// Ends the decoding after the current step, but not the reply: another activation continues it, and the slot keeps its
    /// content. Called when the conversation's silo shuts down.
    /// </summary>
    [Alias("hand-back")]
    Task HandBack(string conversationId, long epoch);

    /// <summary>Ends a conversation's reply, if one runs, and frees its slot.</summary>
    [Alias("release")]
    Task Release(string conversationId);

    /// <summary>The worker's load, and whether it holds a conversation's tensors.</summary>
    [Alias("status")]
    Task<WorkerStatus> GetStatus(string? conversationId = null);

    /// <summary>Accepts no more decodes, and hands back the running ones after the current step; called when its silo shuts down.</summary>
    // The stored name; see StoredNamesTests.
    [Alias("leave")]
    Task Drain();
}

/// <summary>A worker's load.</summary>
/// <param name="Slots">The number of its slots.</param>
/// <param name="Running">Slots in which a conversation decodes.</param>
/// <param name="Waiting">Conversations in the queue for a slot.</param>
/// <param name="IsUnavailable">Whether it accepts no decodes, because its silo shuts down or its device is hung.</param>
/// <param name="HoldsConversation">Whether a slot holds the conversation that was asked for and could continue it at once.</param>
[GenerateSerializer, Immutable, Alias("worker-status")]
public sealed record WorkerStatus(
    [property: Id(0)] int Slots,
    [property: Id(1)] int Running,
    [property: Id(2)] int Waiting,
    [property: Id(3)] bool IsUnavailable = false,
    [property: Id(4)] bool HoldsConversation = false
);

/// <summary>Keys of workers: the silo's address with its generation, and the device.</summary>
public static class WorkerKey
{
    /// <summary>The key of the worker for a device (<c>cpu</c>, <c>cuda:0</c>) of a silo.</summary>
    public static string Of(SiloAddress silo, string device) => $"{silo.ToParsableString()}/{device}";

    /// <summary>Parses a key; false when the text is none.</summary>
    public static bool TryParse(string key, out SiloAddress? silo, out string device)
    {
        int slash = key.IndexOf('/', StringComparison.Ordinal);
        silo = null;
        device = slash < 0 ? "" : key[(slash + 1)..];
        if (device.Length == 0)
            return false;
        try
        {
            silo = SiloAddress.FromParsableString(key[..slash]);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

/// <summary>A conversation's request to its worker.</summary>
[GenerateSerializer, Immutable, Alias("decode-request")]
public sealed record DecodeRequest
{
    /// <summary>The conversation.</summary>
    [Id(0)]
    public required string ConversationId { get; init; }

    /// <summary>The epoch of the conversation's activation; a higher one fences off lower ones.</summary>
    [Id(1)]
    public long Epoch { get; init; }

    /// <summary>The branch; randomness depends on it.</summary>
    [Id(2)]
    public int Branch { get; init; }

    /// <summary>F of the conversation's cache.</summary>
    [Id(3)]
    public int Fixed { get; init; }

    /// <summary>W of the conversation's cache.</summary>
    [Id(4)]
    public int Window { get; init; }

    /// <summary>Stream position of the first id of <see cref="Feed"/>; every id before it is in the log.</summary>
    [Id(5)]
    public long From { get; init; }

    /// <summary>Ids to prefill before sampling, the last sampled one included; at least one.</summary>
    [Id(6)]
    public required int[] Feed { get; init; }

    /// <summary>Sampling with every value filled in.</summary>
    [Id(7)]
    public required Conversations.Sampling Sampling { get; init; }

    /// <summary>Tokens that this reply already has.</summary>
    [Id(8)]
    public long AlreadyGenerated { get; init; }

    /// <summary>Bytes of an incomplete character at the end of the reply so far.</summary>
    [Id(9)]
    public byte[] PendingBytes { get; init; } = [];

    /// <summary>Text of the reply so far that is held back because it may begin a stop string.</summary>
    [Id(10)]
    public string HeldBack { get; init; } = "";

    /// <summary>Rolling hash of the log's ids up to the end of <see cref="Feed"/>, which identifies snapshots; null when unknown.</summary>
    [Id(11)]
    public UInt128? StreamHash { get; init; }

    /// <summary>The identity of the conversation's owner: slots are shared by owners first.</summary>
    [Id(12)]
    public string Owner { get; init; } = "";

    /// <summary>
    /// Whether the stream brings <see cref="SlotGranted"/> when the reply has a slot, and nothing is done with the slot before
    /// <see cref="IWorkerGrain.Begin"/>.
    /// </summary>
    [Id(13)]
    public bool WaitsForBegin { get; init; }
}

/// <summary>An item of the stream that <see cref="IWorkerGrain.Decode"/> returns.</summary>
[GenerateSerializer, Immutable, Alias("decode-update")]
public abstract record DecodeUpdate;

/// <summary>Replies run in all slots; this one waits, for its first slice of time or for the next one.</summary>
/// <param name="Place">Place in the queue; 1 is next.</param>
/// <param name="Seconds">An estimate of the wait; null when there is none.</param>
/// <param name="HoldsSnapshot">Whether the worker holds the reply's snapshot, from which it goes on.</param>
[GenerateSerializer, Immutable, Alias("slot-queued")]
public sealed record SlotQueued(
    [property: Id(0)] int Place,
    [property: Id(1)] double? Seconds = null,
    [property: Id(2)] bool HoldsSnapshot = false
) : DecodeUpdate;

/// <summary>The reply has a slot, in which it begins after <see cref="IWorkerGrain.Begin"/>.</summary>
[GenerateSerializer, Immutable, Alias("slot-granted")]
public sealed record SlotGranted : DecodeUpdate;

/// <summary>Part of a long input was prefilled.</summary>
/// <param name="Share">0 to 1.</param>
[GenerateSerializer, Immutable, Alias("input-progress")]
public sealed record InputProgress([property: Id(0)] double Share) : DecodeUpdate;

/// <summary>A token was sampled.</summary>
/// <param name="TokenId">Its id.</param>
/// <param name="Text">The text that it completes; empty while a character is incomplete or text is held back.</param>
/// <param name="PendingBytes">Bytes of an incomplete character after it.</param>
/// <param name="HeldBack">Text held back after it because it may begin a stop string.</param>
[GenerateSerializer, Immutable, Alias("token-decoded")]
public sealed record TokenDecoded(
    [property: Id(0)] int TokenId,
    [property: Id(1)] string Text,
    [property: Id(2)] byte[] PendingBytes,
    [property: Id(3)] string HeldBack
) : DecodeUpdate;

/// <summary>The reply ended.</summary>
/// <param name="FinishReason">One of <see cref="Conversations.FinishReason"/>.</param>
/// <param name="Text">The rest of the text that was held back.</param>
/// <param name="PromptTokens">Tokens prefilled.</param>
/// <param name="PrefillMs">Milliseconds until the first token.</param>
/// <param name="DecodeMs">Milliseconds from the first token to the last.</param>
[GenerateSerializer, Immutable, Alias("reply-ended")]
public sealed record ReplyEnded(
    [property: Id(0)] string FinishReason,
    [property: Id(1)] string Text,
    [property: Id(2)] long PromptTokens,
    [property: Id(3)] double PrefillMs,
    [property: Id(4)] double DecodeMs
) : DecodeUpdate;

/// <summary>The worker is alive and has nothing new.</summary>
// The stored name; see StoredNamesTests.
[GenerateSerializer, Immutable, Alias("sign-of-life")]
public sealed record Heartbeat : DecodeUpdate;

/// <summary>The last update when a silo shuts down: the reply continues elsewhere from its last token.</summary>
/// <param name="IsFull">
/// Whether the worker goes on instead, but holds no more snapshots of waiting replies: this one's is stored, and the reply asks again.
/// </param>
[GenerateSerializer, Immutable, Alias("handed-back")]
public sealed record HandedBack([property: Id(0)] bool IsFull = false) : DecodeUpdate;
