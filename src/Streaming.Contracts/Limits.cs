namespace Streaming.Contracts;

/// <summary>Sizes and times that gateways and silos agree on.</summary>
public static class Limits
{
    /// <summary>UTF-8 bytes of a message or a system prompt: 1 MiB, so that it fits one transaction of every store.</summary>
    public const int MessageBytes = 1 << 20;

    /// <summary>UTF-16 units of text in an item of a page of turns, and in a joined delta: under 64 KiB of UTF-8 in any script.</summary>
    public const int PieceLength = 16 * 1024;

    /// <summary>Characters of a title.</summary>
    public const int TitleLength = 200;

    /// <summary>Characters of a clientMessageId.</summary>
    public const int ClientMessageIdLength = 200;

    /// <summary>Messages that may wait while a reply runs.</summary>
    public const int WaitingMessages = 64;

    /// <summary>Items of a page of conversations or turns.</summary>
    public const int PageItems = 200;

    /// <summary>Items of a page whose size the caller leaves open.</summary>
    public const int DefaultPageItems = 50;

    /// <summary>Concurrent reads of stored events and turns that one identity has at a gateway.</summary>
    public const int ParallelReads = 4;

    /// <summary>Tokens of a reply whose conversation sets no limit.</summary>
    public const long DefaultReplyTokens = 1024;

    /// <summary>Stop strings of a conversation.</summary>
    public const int StopStrings = 16;

    /// <summary>Characters of a stop string.</summary>
    public const int StopStringLength = 256;

    /// <summary>Tokens with a logit bias.</summary>
    public const int LogitBiases = 1024;

    /// <summary>The lowest repetition penalty: a lower one can make a logit infinite.</summary>
    public const double LeastRepeatPenalty = 1e-6;

    /// <summary>Tokens that are never sampled, and tokens that do not begin a reply.</summary>
    public const int SuppressedTokens = 1024;

    /// <summary>Sequences of tokens that are not sampled.</summary>
    public const int BadWords = 256;

    /// <summary>Tokens of such a sequence.</summary>
    public const int BadWordLength = 64;

    /// <summary>How often a gateway renews its subscription.</summary>
    public static readonly TimeSpan SubscriptionRenewal = TimeSpan.FromSeconds(2);

    /// <summary>How long a subscription lasts without renewal.</summary>
    public static readonly TimeSpan SubscriptionLifetime = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How often a worker sends a heartbeat while it has nothing else to send. A queued reply looks for a free slot elsewhere with each
    /// heartbeat, so a longer interval makes it wait longer. Three intervals have a limit: see <see cref="HeartbeatTimeout"/>.
    /// </summary>
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a worker may be silent before its conversations move to another one: three heartbeats. It must stay below the five
    /// seconds after which the membership declares a frozen silo dead at the earliest, or heartbeats find nothing first.
    /// </summary>
    public static readonly TimeSpan HeartbeatTimeout = 3 * HeartbeatInterval;

    /// <summary>How long a conversation waits for the answer when it tells a worker to stop a reply or to release a slot.</summary>
    public static readonly TimeSpan WorkerCallTimeout = TimeSpan.FromSeconds(3);
}
