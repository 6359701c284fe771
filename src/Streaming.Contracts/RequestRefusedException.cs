namespace Streaming.Contracts;

/// <summary>Why a request was refused.</summary>
public enum Refusal
{
    /// <summary>An argument is wrong: correct it and ask again.</summary>
    Invalid,

    /// <summary>What was asked for does not exist, or the caller may not see it.</summary>
    NotFound,

    /// <summary>The request contradicts an earlier one.</summary>
    Conflict,

    /// <summary>Not now: ask again a little later.</summary>
    Unavailable,
}

/// <summary>A request was refused; the message is one sentence for the caller.</summary>
[GenerateSerializer, Alias("refused")]
public sealed class RequestRefusedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public RequestRefusedException(Refusal refusal, string message)
        : base(message) => Refusal = refusal;

    /// <summary>The reason.</summary>
    [Id(0)]
    public Refusal Refusal { get; }

    /// <summary>A refusal of a wrong argument.</summary>
    public static RequestRefusedException Invalid(string message) => new(Refusal.Invalid, message);

    /// <summary>The one answer for a conversation that does not exist and for one that belongs to another identity.</summary>
    public static RequestRefusedException NoSuchConversation() =>
        new(Refusal.NotFound, "There is no such conversation; list yours, or create one.");
}
