using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Streaming.Storage.Log;
using Streaming.Storage.Snapshots;

namespace Streaming.Storage.Sqlite;

/// <summary>Registers the embedded store: one SQLite file for the log and grain state, and a folder of snapshots beside it.</summary>
public static class SqliteStorageExtensions
{
    /// <summary>
    /// Adds the store, with <see cref="IConversationLog"/> and <see cref="ISnapshotStore"/> on it. It opens before the host's other
    /// services start and closes after they have stopped. If it cannot open, the host's start fails with
    /// <see cref="StoreOpenException"/>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="dataDirectory">The folder of <c>conversations.db</c>, for one host only; created if it is missing.</param>
    /// <param name="maxSnapshotBytes">The limit of all snapshots together; the oldest are deleted first. Null for 2 GiB.</param>
    public static IServiceCollection AddSqliteStore(this IServiceCollection services, string dataDirectory, long? maxSnapshotBytes = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(dataDirectory);
        services.AddSingleton(provider => new FileSnapshotStore(
            Path.Combine(Path.GetFullPath(dataDirectory), "snapshots"),
            maxSnapshotBytes ?? FileSnapshotStore.DefaultMaxBytes,
            provider.GetRequiredService<ILogger<FileSnapshotStore>>()
        ));
        services.AddSingleton<ISnapshotStore>(provider => provider.GetRequiredService<FileSnapshotStore>());
        services.AddSingleton(provider => new SqliteStore(dataDirectory, provider.GetRequiredService<ILogger<SqliteStore>>()));
        services.AddSingleton<IStoreHealth>(provider => provider.GetRequiredService<SqliteStore>());
        services.AddSingleton<IConversationLog, SqliteConversationLog>();
        services.AddHostedService<SqliteStoreService>();
        return services;
    }

    /// <summary>Makes the store of <see cref="AddSqliteStore"/> the default grain storage.</summary>
    public static ISiloBuilder AddSqliteGrainStorageAsDefault(this ISiloBuilder silo)
    {
        silo.Services.AddGrainStorage(
            ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
            (provider, _) => ActivatorUtilities.CreateInstance<SqliteGrainStorage>(provider)
        );
        return silo;
    }
}
