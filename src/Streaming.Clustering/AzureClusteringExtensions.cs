using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;

namespace Streaming.Clustering;

/// <summary>Cluster membership in a table of Azure Storage, for silos and their clients.</summary>
public static class AzureClusteringExtensions
{
    private const string Membership = "membership";

    /// <summary>
    /// Joins a cluster of any number of silos. A killed silo is detected within two seconds and a frozen one within six. Its grains can be
    /// activated elsewhere at once: directory entries have no lease, since the log's epochs fence a short-lived duplicate.
    /// </summary>
    public static ISiloBuilder UseAzureClustering(this ISiloBuilder silo, AzureAccount account, string serviceId, string clusterId)
    {
        silo.UseAzureStorageClustering(o =>
        {
            o.TableServiceClient = account.ProviderTables;
            o.TableName = account.TableName(Membership);
        });
        silo.Configure<ClusterOptions>(o => (o.ServiceId, o.ClusterId) = (serviceId, clusterId));
        silo.Configure<ClusterMembershipOptions>(o =>
        {
            o.ProbeTimeout = TimeSpan.FromSeconds(1);
            o.MaxProbeTimeout = TimeSpan.FromSeconds(1);
            o.NumMissedProbesLimit = 2;
            o.NumVotesForDeathDeclaration = 1;
            o.TableRefreshTimeout = TimeSpan.FromSeconds(5);
            // An indirect probe through a third silo does not return if that silo died at the same moment.
            o.EnableIndirectProbes = false;
        });
#pragma warning disable ORLEANSEXP003 // Experimental; the default directory loses half of its entries when a silo shuts down.
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        silo.Configure<GrainDirectoryOptions>(o => o.RangeLeaseDuration = TimeSpan.Zero);
        return silo;
    }

    /// <summary>Connects to the silos of a cluster, and finds new ones within five seconds.</summary>
    public static IClientBuilder UseAzureClustering(this IClientBuilder client, AzureAccount account, string serviceId, string clusterId)
    {
        client.UseAzureStorageClustering(o =>
        {
            o.TableServiceClient = account.ProviderTables;
            o.TableName = account.TableName(Membership);
        });
        client.Configure<ClusterOptions>(o => (o.ServiceId, o.ClusterId) = (serviceId, clusterId));
        client.Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));
        return client;
    }
}
