namespace Streaming.Contracts;

/// <summary>Why a request was refused.</summary>
public enum Refusal
{
    /// <summary>What was asked for is wrong: mend it and ask again.</summary>
    Invalid,

    /// <summary>It does not exist, or not for the one who asks.</summary>
    NotFound,

    /// <summary>It contradicts something said before.</summary>
    Conflict,

    /// <summary>Not now: ask again a little later.</summary>
    Unavailable,
}

/// <summary>A request was refused; the message is one sentence for the one who asked.</summary>
[GenerateSerializer, Alias("refused")]
public sealed class RequestRefusedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public RequestRefusedException(Refusal refusal, string message)
        : base(message) => Refusal = refusal;

    /// <summary>Why.</summary>
    [Id(0)]
    public Refusal Refusal { get; }

    /// <summary>The one answer for a conversation that does not exist and for one that is somebody else's.</summary>
    public static RequestRefusedException NoSuchConversation() =>
        new(Refusal.NotFound, "There is no such conversation; list yours, or create one.");
}
