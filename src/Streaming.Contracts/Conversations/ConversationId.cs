using System.Buffers.Text;
using System.Security.Cryptography;

namespace Streaming.Contracts.Conversations;

/// <summary>Ids of conversations: 22 URL-safe characters, 128 random bits. They are the grain keys.</summary>
public static class ConversationId
{
    private const int Bytes = 16;
    private const int Length = 22;

    /// <summary>A new id that nobody can guess.</summary>
    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>Whether a text has the form of an id.</summary>
    public static bool IsValid(string? id) => id is { Length: Length } && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
