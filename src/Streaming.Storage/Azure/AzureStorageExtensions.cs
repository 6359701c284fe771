using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Orleans.Providers;
using Streaming.Clustering;
using Streaming.Storage.Log;
using Streaming.Storage.Snapshots;

namespace Streaming.Storage.Azure;

/// <summary>Registers the cluster's store in an account of Azure Storage: the log in tables, grain state and snapshots in blobs.</summary>
public static class AzureStorageExtensions
{
    /// <summary>The purpose in the name of grain state's container.</summary>
    internal const string GrainStates = "grainstate";

    /// <summary>
    /// Adds <see cref="IConversationLog"/> on two tables of the account and <see cref="ISnapshotStore"/> on a container. They are created
    /// before the host's other services start. If the account does not answer, the host's start fails with
    /// <see cref="StoreOpenException"/>.
    /// </summary>
    public static IServiceCollection AddAzureStore(this IServiceCollection services, AzureAccount account)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new AzureStore(
            account,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<HeadIndex>>()
        ));
        services.AddSingleton<IConversationLog>(provider => provider.GetRequiredService<AzureStore>().Log);
        services.AddSingleton<IStoreHealth>(provider => provider.GetRequiredService<AzureStore>());
        services.AddSingleton(new AzureSnapshotStore(account));
        services.AddSingleton<ISnapshotStore>(provider => provider.GetRequiredService<AzureSnapshotStore>());
        services.AddHostedService<AzureStoreService>();
        return services;
    }

    /// <summary>Makes a container of blobs the default grain storage, and keeps reminders in a table.</summary>
    public static ISiloBuilder AddAzureGrainStorageAsDefault(this ISiloBuilder silo, AzureAccount account)
    {
        silo.AddAzureBlobGrainStorage(
            ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
            o =>
            {
                o.BlobServiceClient = account.Blobs();
                o.ContainerName = account.ContainerName(GrainStates);
            }
        );
        silo.UseAzureTableReminderService(o =>
        {
            o.TableServiceClient = account.ProviderTables;
            o.TableName = account.TableName("reminders");
        });
        return silo;
    }
}
