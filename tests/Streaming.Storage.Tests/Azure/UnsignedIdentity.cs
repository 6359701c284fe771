using System.Buffers.Text;
using System.Text.Json;
using Azure.Core;
using Azure.Core.Pipeline;
using Streaming.Azurite;
using Streaming.Clustering;

namespace Streaming.Storage.Tests.Azure;

/// <summary>An identity with unsigned tokens that otherwise equal Azure's. The emulator accepts them.</summary>
/// <param name="audience">The audience of its tokens.</param>
internal sealed class UnsignedIdentity(string audience = UnsignedIdentity.Storage) : TokenCredential
{
    public const string Storage = "https://storage.azure.com";

    /// <summary>The number of tokens requested.</summary>
    public int Tokens { get; private set; }

    /// <summary>An account given by name, and signed in to with this identity.</summary>
    public AzureAccount Account(AzuriteProcess azurite)
    {
        var trusting = new HttpClientTransport(
            new HttpClientHandler
            {
                ServerCertificateCustomValidationCallback = (_, presented, _, _) =>
                    presented?.Thumbprint == azurite.Certificate!.Thumbprint,
            }
        );
        return new AzureAccount(
            new AzureSettings { Account = "devstoreaccount1", Prefix = AzuriteFixture.NewPrefix() },
            () => new AccountIdentity(this, azurite.Tables, azurite.Blobs, trusting)
        );
    }

    public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
    {
        Assert.Equal([$"{Storage}/.default"], requestContext.Scopes);
        Tokens++;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string token =
            Part(new { alg = "none", typ = "JWT" })
            + "."
            + Part(
                new
                {
                    aud = audience,
                    iss = "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/",
                    nbf = now.AddMinutes(-1).ToUnixTimeSeconds(),
                    iat = now.AddMinutes(-1).ToUnixTimeSeconds(),
                    exp = now.AddHours(1).ToUnixTimeSeconds(),
                }
            )
            + ".none";
        return new AccessToken(token, now.AddHours(1));
    }

    public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
        ValueTask.FromResult(GetToken(requestContext, cancellationToken));

    private static string Part(object claims) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims));
}
