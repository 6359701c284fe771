using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Streaming.Storage.Log;
using Streaming.Storage.Snapshots;

namespace Streaming.Storage.Sqlite;

/// <summary>The embedded store: one SQLite file for the log and for grain state, and a folder of snapshots beside it.</summary>
public static class SqliteStorageExtensions
{
    /// <summary>
    /// Adds the store, <see cref="IConversationLog"/> on it, and <see cref="ISnapshotStore"/> in its folder. It opens before the host's other services start and closes after
    /// they have stopped; when it cannot open, the host's start fails with <see cref="StoreOpenException"/>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="dataDirectory">The folder of the file <c>conversations.db</c>; created if missing, for one host only.</param>
    /// <param name="maxSnapshotBytes">What all snapshots may take together; the oldest give way. Null for 2 GiB.</param>
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

    /// <summary>Keeps the state of all grains that name no other provider in the store of <see cref="AddSqliteStore"/>.</summary>
    public static ISiloBuilder AddSqliteGrainStorageAsDefault(this ISiloBuilder silo)
    {
        silo.Services.AddGrainStorage(
            ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
            (provider, _) => ActivatorUtilities.CreateInstance<SqliteGrainStorage>(provider)
        );
        return silo;
    }
}
