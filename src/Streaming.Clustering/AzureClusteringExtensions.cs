using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;

namespace Streaming.Clustering;

/// <summary>Membership in a table of Azure Storage, for silos and for their clients.</summary>
public static class AzureClusteringExtensions
{
    private const string Membership = "membership";

    /// <summary>
    /// Joins a cluster of any number of silos. A silo that is killed is noticed within two seconds, one that is frozen within
    /// six, and its grains are where they are asked for at once: directory entries have no lease, since the log's epochs fence
    /// whatever a short-lived duplicate would write.
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
            // Asking a third silo to look as well takes for ever when that one died at the same moment.
            o.EnableIndirectProbes = false;
        });
#pragma warning disable ORLEANSEXP003 // Marked experimental; the default directory loses half of the grains' places when a silo leaves.
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        silo.Configure<GrainDirectoryOptions>(o => o.RangeLeaseDuration = TimeSpan.Zero);
        return silo;
    }

    /// <summary>Finds the silos of a cluster, and learns of new ones within five seconds.</summary>
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
