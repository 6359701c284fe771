using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;

namespace Streaming.Clustering;

/// <summary>Where an account that is signed in to by an identity is reached, and as whom.</summary>
/// <param name="Credential">Gives the tokens.</param>
/// <param name="Tables">The account's tables.</param>
/// <param name="Blobs">The account's blobs.</param>
/// <param name="Transport">What requests go by; null for the SDK's own.</param>
internal sealed record AccountIdentity(TokenCredential Credential, Uri Tables, Uri Blobs, HttpPipelineTransport? Transport = null)
{
    /// <summary>An account of Azure, as this process: its managed identity, or a developer's own. Asking for a token has time limits, too.</summary>
    public static AccountIdentity OfProcess(string account)
    {
        var options = new DefaultAzureCredentialOptions();
        AzureAccount.Limit(options);
        return new AccountIdentity(
            new DefaultAzureCredential(options),
            new Uri($"https://{account}.table.core.windows.net"),
            new Uri($"https://{account}.blob.core.windows.net")
        );
    }
}
