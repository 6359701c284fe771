namespace Streaming.Contracts;

/// <summary>Limits that both sides of a border know.</summary>
public static class Limits
{
    /// <summary>UTF-8 bytes of a message: 1 MiB, so that it fits one transaction of every store.</summary>
    public const int MessageBytes = 1 << 20;

    /// <summary>UTF-16 units of text in an item of a page of turns, and in a joined delta: under 64 KiB of UTF-8 whatever the script.</summary>
    public const int PieceLength = 16 * 1024;

    /// <summary>Characters of a title.</summary>
    public const int TitleLength = 200;

    /// <summary>Characters of a clientMessageId.</summary>
    public const int ClientMessageIdLength = 200;

    /// <summary>Messages that may wait while a reply runs.</summary>
    public const int WaitingMessages = 64;

    /// <summary>How often a gateway renews its subscription.</summary>
    public static readonly TimeSpan SubscriptionRenewal = TimeSpan.FromSeconds(2);

    /// <summary>How long a subscription lasts without renewal.</summary>
    public static readonly TimeSpan SubscriptionLifetime = TimeSpan.FromSeconds(15);

    /// <summary>How often a worker says that it is there when it has nothing else to say.</summary>
    public static readonly TimeSpan SignOfLifeInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long a worker may be silent, three signs of life, before its conversations move to another one.</summary>
    public static readonly TimeSpan WorkerSilence = TimeSpan.FromSeconds(3);
}
