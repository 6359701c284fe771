using System.Text;
using Streaming.Contracts;

namespace Streaming.Gateway.Hub;

/// <summary>What can be said about arguments without asking a conversation; each refusal is one sentence.</summary>
internal static class Arguments
{
    private const int LongestPage = 200;

    /// <summary>An identifier; one that cannot be any conversation's gets the answer of an unknown one.</summary>
    public static string ConversationId(string? id) =>
        Contracts.Conversations.ConversationId.IsValid(id) ? id! : throw RequestRefusedException.NoSuchConversation();

    /// <summary>A message's text: there, whole characters, not too long.</summary>
    public static string Message(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw Refused("The message is empty: write something.");
        int unpaired = UnpairedSurrogate(text);
        if (unpaired >= 0)
            throw Refused($"The message has half a surrogate pair at place {unpaired}: send whole characters.");
        int bytes = Encoding.UTF8.GetByteCount(text);
        return bytes <= Limits.MessageBytes
            ? text
            : throw Refused($"The message has {bytes} bytes of UTF-8, and {Limits.MessageBytes} is the most: send it in parts.");
    }

    /// <summary>The name that a client gives its message.</summary>
    public static string ClientMessageId(string? id) =>
        string.IsNullOrWhiteSpace(id)
            ? throw Refused("The clientMessageId is missing: give each message a new one, and the same one when it is sent again.")
        : id.Length > Limits.ClientMessageIdLength
            ? throw Refused($"The clientMessageId has {id.Length} characters, and {Limits.ClientMessageIdLength} is the most.")
        : id;

    /// <summary>The length of a page.</summary>
    public static int? Take(int? take) =>
        take is null or >= 1 and <= LongestPage ? take : throw Refused($"take is {take}: it must be from 1 to {LongestPage}.");

    /// <summary>An argument that must be there.</summary>
    public static T Required<T>(T? argument, string name)
        where T : class => argument ?? throw Refused($"The argument '{name}' is missing.");

    private static int UnpairedSurrogate(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return i;
            i++;
        }
        return -1;
    }

    private static RequestRefusedException Refused(string sentence) => new(Refusal.Invalid, sentence);
}
