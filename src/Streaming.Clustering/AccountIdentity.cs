using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;

namespace Streaming.Clustering;

/// <summary>The endpoints of an account, and the identity that signs in to it.</summary>
/// <param name="Credential">The source of tokens.</param>
/// <param name="Tables">The table endpoint.</param>
/// <param name="Blobs">The blob endpoint.</param>
/// <param name="Transport">The HTTP transport; null for the SDK's own.</param>
internal sealed record AccountIdentity(TokenCredential Credential, Uri Tables, Uri Blobs, HttpPipelineTransport? Transport = null)
{
    /// <summary>An account in Azure and this process's identity: managed, or a developer's own. Token requests have time limits.</summary>
    public static AccountIdentity OfProcess(string account)
    {
        var options = new DefaultAzureCredentialOptions();
        AzureAccount.SetTimeLimits(options);
        return new AccountIdentity(
            new DefaultAzureCredential(options),
            new Uri($"https://{account}.table.core.windows.net"),
            new Uri($"https://{account}.blob.core.windows.net")
        );
    }
}
