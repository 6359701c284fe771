using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace Streaming.Gateway.Identity;

/// <summary>The answer of <c>POST /auth/guest</c>: a token and when it expires.</summary>
internal sealed record GuestToken(string Token, DateTimeOffset ExpiresAt);

/// <summary>
/// Tokens that carry an identity: when they expire (8 bytes, Unix milliseconds) and the identity (UTF-8), sealed by Data Protection.
/// Nothing about them is stored. Expiry is checked here because Data Protection's own check uses the system's clock only.
/// </summary>
internal sealed class GuestTokens(IDataProtectionProvider protection, TimeProvider time)
{
    /// <summary>The lifetime of a token; each visit renews it.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    /// <summary>
    /// How long after its end a token can still be exchanged for a new one, so that a guest who was away for two months is no new guest.
    /// </summary>
    public static readonly TimeSpan RenewalGrace = TimeSpan.FromDays(60);

    private const int EndBytes = sizeof(long);
    private const int RandomBytes = 16;
    private const int LongestToken = 1024;

    private readonly IDataProtector _protector = protection.CreateProtector("guest-token", "v1");

    /// <summary>A new identity that cannot be guessed.</summary>
    public static string NewIdentity() => "guest-" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>Issues a token for an identity, valid from now on.</summary>
    public GuestToken Issue(string identity)
    {
        DateTimeOffset end = time.GetUtcNow() + Lifetime;
        byte[] content = new byte[EndBytes + Encoding.UTF8.GetByteCount(identity)];
        BinaryPrimitives.WriteInt64LittleEndian(content, end.ToUnixTimeMilliseconds());
        Encoding.UTF8.GetBytes(identity, content.AsSpan(EndBytes));
        return new GuestToken(Base64Url.EncodeToString(_protector.Protect(content)), end);
    }

    /// <summary>The identity in a token; null when the token is invalid, was changed, or has expired.</summary>
    /// <exception cref="KeysUnavailableException">Its key is unknown here and the cluster does not answer.</exception>
    public string? ReadIdentity(string token) => ReadIdentity(token, TimeSpan.Zero);

    /// <summary>The identity in a token that is valid, or was until at most <see cref="RenewalGrace"/> ago; else null.</summary>
    /// <exception cref="KeysUnavailableException">Its key is unknown here and the cluster does not answer.</exception>
    public string? ReadIdentityForRenewal(string token) => ReadIdentity(token, RenewalGrace);

    private string? ReadIdentity(string token, TimeSpan grace)
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
        return (time.GetUtcNow() - grace).ToUnixTimeMilliseconds() < end ? Encoding.UTF8.GetString(content.AsSpan(EndBytes)) : null;
    }
}
