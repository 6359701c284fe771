using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Streaming.Storage.Log;
using Streaming.Storage.Sqlite;

namespace Streaming.Storage;

/// <summary>The embedded store: one SQLite file for the log and for grain state.</summary>
public static class SqliteStorageExtensions
{
    /// <summary>
    /// Adds the store and <see cref="IConversationLog"/> on it. It opens before the host's other services start and closes after
    /// they have stopped; when it cannot open, the host's start fails with <see cref="StoreOpenException"/>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="dataDirectory">The folder of the file <c>conversations.db</c>; created if missing, for one host only.</param>
    public static IServiceCollection AddSqliteStore(this IServiceCollection services, string dataDirectory)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(dataDirectory);
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
            (provider, _) => ActivatorUtilities.CreateInstance<SqliteGrainStorage>(provider));
        return silo;
    }
}
