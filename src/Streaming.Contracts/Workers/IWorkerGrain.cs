namespace Streaming.Contracts.Workers;

/// <summary>
/// The owner of one device of one silo, pinned there; the key is made by <see cref="WorkerKey"/>. It owns the slots: which
/// conversation is in which, who waits for one, and whose is given up when another needs it.
/// </summary>
[Alias("worker-grain")]
public interface IWorkerGrain : IGrainWithStringKey
{
    /// <summary>
    /// Feeds and samples for a conversation, as a stream: places in line while no slot is free; then progress, tokens and one end.
    /// A slot that does not continue the stream is restored from a snapshot, or rebuilt from the log, first. While one activation of a conversation decodes,
    /// an older epoch is refused and a newer one takes over. Whenever nothing else came for <see cref="Limits.SignOfLifeInterval"/>, a
    /// <see cref="SignOfLife"/> does; when the worker's silo leaves, or <see cref="HandBack"/> is called, a last <see cref="HandedBack"/> instead of an end.
    /// </summary>
    [Alias("decode")]
    IAsyncEnumerable<DecodeUpdate> Decode(DecodeRequest request, CancellationToken cancellation = default);

    /// <summary>Ends the conversation's reply after the step under way; its stream then brings the rest and the end.</summary>
    [Alias("stop")]
    Task Stop(string conversationId, long epoch, string finishReason);

    /// <summary>
    /// Ends the decoding after the step under way, but not the reply, which another activation goes on with: the slot keeps what is
    /// in it. Called when the conversation's silo leaves.
    /// </summary>
    [Alias("hand-back")]
    Task HandBack(string conversationId, long epoch);

    /// <summary>Forgets a conversation: its slot is free.</summary>
    [Alias("release")]
    Task Release(string conversationId);

    /// <summary>How busy it is, and whether it has a conversation's tensors.</summary>
    [Alias("status")]
    Task<WorkerStatus> GetStatus(string? conversationId = null);

    /// <summary>Takes no new work from now on, and hands back what runs after the step under way; called when its silo leaves.</summary>
    [Alias("leave")]
    Task Leave();
}

/// <summary>How busy a worker is.</summary>
/// <param name="Slots">Its slots.</param>
/// <param name="Running">Slots whose conversation is decoding.</param>
/// <param name="Waiting">Conversations in line.</param>
/// <param name="Leaves">Whether it takes no new work, since its silo leaves or its device hangs.</param>
/// <param name="Holds">Whether the conversation that was asked for is in a slot, ready to go on.</param>
[GenerateSerializer, Immutable, Alias("worker-status")]
public sealed record WorkerStatus(
    [property: Id(0)] int Slots,
    [property: Id(1)] int Running,
    [property: Id(2)] int Waiting,
    [property: Id(3)] bool Leaves = false,
    [property: Id(4)] bool Holds = false
);

/// <summary>Keys of workers: the silo's address, its incarnation included, and the device.</summary>
public static class WorkerKey
{
    /// <summary>The key of a device (<c>cpu</c>, <c>cuda:0</c>) of a silo.</summary>
    public static string Of(SiloAddress silo, string device) => $"{silo.ToParsableString()}/{device}";

    /// <summary>Takes a key apart; false if it is none.</summary>
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

/// <summary>What a conversation asks of its worker.</summary>
[GenerateSerializer, Immutable, Alias("decode-request")]
public sealed record DecodeRequest
{
    /// <summary>The conversation.</summary>
    [Id(0)]
    public required string ConversationId { get; init; }

    /// <summary>The epoch of the activation that asks.</summary>
    [Id(1)]
    public long Epoch { get; init; }

    /// <summary>The branch, part of the randomness.</summary>
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

    /// <summary>Ids to feed before sampling; at least one (a pending one included).</summary>
    [Id(6)]
    public required int[] Feed { get; init; }

    /// <summary>How tokens are chosen, with every value filled in.</summary>
    [Id(7)]
    public required Conversations.Sampling Sampling { get; init; }

    /// <summary>Tokens that this reply has already.</summary>
    [Id(8)]
    public long AlreadyGenerated { get; init; }

    /// <summary>Bytes of an incomplete character from before.</summary>
    [Id(9)]
    public byte[] PendingBytes { get; init; } = [];

    /// <summary>Text held back for a stop string from before.</summary>
    [Id(10)]
    public string HeldBack { get; init; } = "";

    /// <summary>Rolling hash of all ids of the log up to the end of <see cref="Feed"/>, by which snapshots are known; null when it is not known.</summary>
    [Id(11)]
    public UInt128? StreamHash { get; init; }
}

/// <summary>What a worker tells about a decode.</summary>
[GenerateSerializer, Immutable, Alias("decode-update")]
public abstract record DecodeUpdate;

/// <summary>All slots are taken by running replies.</summary>
/// <param name="Place">1 is next.</param>
[GenerateSerializer, Immutable, Alias("slot-queued")]
public sealed record SlotQueued([property: Id(0)] int Place) : DecodeUpdate;

/// <summary>Part of a long input was read.</summary>
/// <param name="Share">0 to 1.</param>
[GenerateSerializer, Immutable, Alias("input-progress")]
public sealed record InputProgress([property: Id(0)] double Share) : DecodeUpdate;

/// <summary>A token was sampled.</summary>
/// <param name="TokenId">Its id.</param>
/// <param name="Text">The text that it completes.</param>
/// <param name="PendingBytes">Bytes of an incomplete character after it.</param>
/// <param name="HeldBack">Text held back for a stop string after it.</param>
[GenerateSerializer, Immutable, Alias("token-decoded")]
public sealed record TokenDecoded(
    [property: Id(0)] int TokenId,
    [property: Id(1)] string Text,
    [property: Id(2)] byte[] PendingBytes,
    [property: Id(3)] string HeldBack
) : DecodeUpdate;

/// <summary>The reply ended.</summary>
[GenerateSerializer, Immutable, Alias("reply-ended")]
public sealed record ReplyEnded(
    [property: Id(0)] string FinishReason,
    [property: Id(1)] string Text,
    [property: Id(2)] long PromptTokens,
    [property: Id(3)] double PrefillMs,
    [property: Id(4)] double DecodeMs
) : DecodeUpdate;

/// <summary>Nothing new, but the worker is there.</summary>
[GenerateSerializer, Immutable, Alias("sign-of-life")]
public sealed record SignOfLife : DecodeUpdate;

/// <summary>The worker's silo leaves, or the conversation's: what was decoded has come, the reply goes on elsewhere. The last update.</summary>
[GenerateSerializer, Immutable, Alias("handed-back")]
public sealed record HandedBack : DecodeUpdate;
