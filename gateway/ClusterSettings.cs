using Microsoft.Extensions.Options;
using Streaming.Clustering;

namespace Streaming.StandaloneGateway;

/// <summary>The cluster of a stand-alone gateway, in the section <c>Streaming</c>.</summary>
internal sealed class ClusterSettings
{
    /// <summary>The cluster's name.</summary>
    public string ClusterId { get; set; } = "streaming";

    /// <summary>The service's name.</summary>
    public string ServiceId { get; set; } = "streaming";

    /// <summary>How the silos are found.</summary>
    public ClusteringKind Clustering { get; set; } = ClusteringKind.Localhost;

    /// <summary>The storage account of <see cref="ClusteringKind.Azure"/>.</summary>
    public AzureSettings Azure { get; set; } = new();

    /// <summary>The silo's port for gateways, for <see cref="ClusteringKind.Localhost"/>.</summary>
    public int GatewayPort { get; set; } = 30000;
}

internal sealed class ClusterSettingsValidation : IValidateOptions<ClusterSettings>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, ClusterSettings options)
    {
        if (options.Clustering == ClusteringKind.Azure)
            options.Azure.Validate();
        return ValidateOptionsResult.Success;
    }
}
