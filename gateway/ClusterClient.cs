using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Streaming.Clustering;
using Streaming.Hosting.Settings;
using Streaming.Silo;

namespace Streaming.StandaloneGateway;

/// <summary>Connects a stand-alone gateway to its cluster.</summary>
internal static class ClusterClient
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Registers the settings of the cluster, and those of a silo: a gateway ignores them, so that one file of settings serves both.
    /// </summary>
    public static IServiceCollection AddClusterSettings(this IServiceCollection services)
    {
        services.AddSettings<SiloSettings>();
        services.AddSettings<ClusterSettings>();
        return services.AddSingleton<IValidateOptions<ClusterSettings>, ClusterSettingsValidation>();
    }

    /// <summary>
    /// Adds an Orleans client that waits for the cluster without a timeout, prints that it waits, and reconnects. The server listens
    /// meanwhile, so that <c>/health/live</c> distinguishes a waiting gateway from a dead one.
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
