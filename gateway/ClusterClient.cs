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

    /// <summary>
    /// An Orleans client that waits for the cluster as long as it takes, saying so, and reconnects. The server listens meanwhile, so
    /// that <c>/health/live</c> tells a gateway that waits from one that is dead.
    /// </summary>
    public static void AddClusterClient(this WebApplicationBuilder builder, ClusterSettings settings)
    {
        HashSet<ServiceDescriptor> before = [.. builder.Services];
        builder.UseOrleansClient(client =>
            client
                .UseCluster(settings)
                .UseConnectionRetryFilter(
                    async (exception, cancellation) =>
                    {
                        Console.WriteLine(
                            settings.Clustering == ClusteringKind.Azure
                                ? $"Waiting for a silo of cluster {settings.ClusterId} ..."
                                : $"Waiting for a silo on port {settings.GatewayPort} ..."
                        );
                        await Task.Delay(RetryInterval, cancellation);
                        return true;
                    }
                )
        );
        foreach (
            ServiceDescriptor connecting in builder
                .Services.Where(s => s.ServiceType == typeof(IHostedService) && !before.Contains(s))
                .ToList()
        )
        {
            builder.Services.Remove(connecting);
            builder.Services.AddSingleton<IHostedService>(services => new StartsAfterServer(Create(connecting, services)));
        }
    }

    private static IHostedService Create(ServiceDescriptor descriptor, IServiceProvider services) =>
        (IHostedService)(
            descriptor.ImplementationInstance
            ?? descriptor.ImplementationFactory?.Invoke(services)
            ?? ActivatorUtilities.CreateInstance(services, descriptor.ImplementationType!)
        );

    private static IClientBuilder UseCluster(this IClientBuilder client, ClusterSettings settings) =>
        settings.Clustering == ClusteringKind.Azure
            ? client.UseAzureClustering(new AzureAccount(settings.Azure), settings.ServiceId, settings.ClusterId)
            : client
                .UseLocalhostClustering(settings.GatewayPort, settings.ServiceId, settings.ClusterId)
                .Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));
}

/// <summary>A hosted service that starts once all others have, the web server among them: its own start may take for ever.</summary>
internal sealed class StartsAfterServer(IHostedService service) : IHostedLifecycleService
{
    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => service.StartAsync(cancellationToken);

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => service.StopAsync(cancellationToken);

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
