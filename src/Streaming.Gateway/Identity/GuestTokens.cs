using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace Streaming.Gateway.Identity;

/// <summary>A token and when it ends, as <c>POST /auth/guest</c> answers them.</summary>
internal sealed record GuestToken(string Token, DateTimeOffset ExpiresAt);

/// <summary>
/// Tokens that say who somebody is: an end (8 bytes, Unix milliseconds) and an identity (UTF-8), sealed by Data Protection.
/// Nothing about them is stored. The end is checked here and not by Data Protection's own limits, which know only the system's clock.
/// </summary>
internal sealed class GuestTokens(IDataProtectionProvider protection, TimeProvider time)
{
    /// <summary>How long a token lasts; each visit renews it.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    private const int EndBytes = sizeof(long);
    private const int RandomBytes = 16;
    private const int LongestToken = 1024;

    private readonly IDataProtector _protector = protection.CreateProtector("guest-token", "v1");

    /// <summary>An identity that nobody has or can guess.</summary>
    public static string NewIdentity() => "guest-" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>A token for an identity, from now on.</summary>
    public GuestToken Issue(string identity)
    {
        DateTimeOffset end = time.GetUtcNow() + Lifetime;
        byte[] content = new byte[EndBytes + Encoding.UTF8.GetByteCount(identity)];
        BinaryPrimitives.WriteInt64LittleEndian(content, end.ToUnixTimeMilliseconds());
        Encoding.UTF8.GetBytes(identity, content.AsSpan(EndBytes));
        return new GuestToken(Base64Url.EncodeToString(_protector.Protect(content)), end);
    }

    /// <summary>Whose token it is; null when it is no token of ours, was changed, or has ended.</summary>
    /// <exception cref="KeysUnavailableException">Its key may be one that only the cluster has, which does not answer.</exception>
    public string? ReadIdentity(string token)
    {
        if (token.Length > LongestToken || !Base64Url.IsValid(token))
            return null;
        byte[] content;
        try
        {
            content = _protector.Unprotect(Base64Url.DecodeFromChars(token));
        }
        catch (CryptographicException e) when (e.InnerException is TimeoutException or OrleansException)
        {
            throw new KeysUnavailableException(e);
        }
        catch (CryptographicException)
        {
            return null;
        }
        long end = BinaryPrimitives.ReadInt64LittleEndian(content);
        return time.GetUtcNow().ToUnixTimeMilliseconds() < end ? Encoding.UTF8.GetString(content.AsSpan(EndBytes)) : null;
    }
}
