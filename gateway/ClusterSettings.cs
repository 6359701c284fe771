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
        if (Problem(options) is { } problem)
            return ValidateOptionsResult.Fail(problem);
        if (options.Clustering == ClusteringKind.Azure)
            options.Azure.Validate();
        return ValidateOptionsResult.Success;
    }

    private static string? Problem(ClusterSettings s)
    {
        if (s.GatewayPort is < 1 or > 65535)
            return $"Streaming:GatewayPort is '{s.GatewayPort}': it must be a port, 1 to 65535.";
        if (s.ClusterId.Trim().Length == 0)
            return $"Streaming:ClusterId is '{s.ClusterId}': it must be a name.";
        return s.ServiceId.Trim().Length == 0 ? $"Streaming:ServiceId is '{s.ServiceId}': it must be a name." : null;
    }
}
