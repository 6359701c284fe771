using Orleans.Configuration;
using Streaming.Clustering;
using Streaming.Gateway.Settings;

namespace Streaming.StandaloneGateway;

/// <summary>Which cluster a stand-alone gateway belongs to, section <c>Streaming</c>.</summary>
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

/// <summary>The composition of a stand-alone gateway's way to the silos.</summary>
internal static class ClusterClient
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    /// <summary>Reads the settings and refuses unknown names.</summary>
    public static ClusterSettings ReadClusterSettings(this WebApplicationBuilder builder)
    {
        SettingsSection.RequireKnownNames(builder.Configuration, typeof(ClusterSettings));
        return SettingsSection.Bind<ClusterSettings>(builder.Configuration);
    }

    /// <summary>An Orleans client that waits for the cluster as long as it takes, saying so, and reconnects.</summary>
    public static void AddClusterClient(this WebApplicationBuilder builder, ClusterSettings settings) =>
        builder.Host.UseOrleansClient(client => client
            .UseCluster(settings)
            .UseConnectionRetryFilter(async (exception, cancellation) =>
            {
                Console.WriteLine(settings.Clustering == ClusteringKind.Azure
                    ? $"Waiting for a silo of cluster {settings.ClusterId} ..."
                    : $"Waiting for a silo on port {settings.GatewayPort} ...");
                await Task.Delay(RetryInterval, cancellation);
                return true;
            }));

    private static IClientBuilder UseCluster(this IClientBuilder client, ClusterSettings settings) =>
        settings.Clustering == ClusteringKind.Azure
            ? client.UseAzureClustering(new AzureAccount(settings.Azure), settings.ServiceId, settings.ClusterId)
            : client
                .UseLocalhostClustering(settings.GatewayPort, settings.ServiceId, settings.ClusterId)
                .Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));
}
