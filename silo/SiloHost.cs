using System.Net;
using Streaming.Clustering;
using Streaming.Gateway.Settings;
using Streaming.Grains;
using Streaming.Inference;
using Streaming.Inference.Chat;
using Streaming.Storage.Azure;
using Streaming.Storage.Sqlite;

namespace Streaming.Silo;

/// <summary>The composition of a silo.</summary>
internal static class SiloHost
{
    /// <summary>Reads the settings and refuses unknown names and impossible values.</summary>
    public static SiloSettings ReadSiloSettings(this WebApplicationBuilder builder)
    {
        SettingsSection.RequireKnownNames(builder.Configuration, typeof(SiloSettings));
        SiloSettings settings = SettingsSection.Bind<SiloSettings>(builder.Configuration);
        settings.Validate();
        return settings;
    }

    /// <summary>Store, grains and cluster membership.</summary>
    public static void AddSilo(this WebApplicationBuilder builder, SiloSettings settings, Engine engine)
    {
        HostRun.RequireFreePort(settings.SiloPort, nameof(SiloSettings.SiloPort));
        HostRun.RequireFreePort(settings.GatewayPort, nameof(SiloSettings.GatewayPort));
        AzureAccount? account = settings.Storage == StorageKind.Azure ? new AzureAccount(settings.Azure) : null;
        if (account is null)
            builder.Services.AddSqliteStore(settings.Data, (long)settings.SnapshotMegabytes << 20);
        else
            builder.Services.AddAzureStore(account);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
        builder.Host.UseOrleans(silo =>
            silo.UseCluster(settings, account)
                .UseStore(account)
                .AddConversations(
                    engine.ForConversations(),
                    o =>
                    {
                        o.GroupTokens = settings.GroupTokens;
                        o.GroupInterval = TimeSpan.FromMilliseconds(settings.GroupMilliseconds);
                        o.SnapshotTokens = settings.SnapshotTokens;
                    }
                )
        );
    }

    /// <summary>How this silo finds the others. A cluster has its store in the same account, which the settings saw to.</summary>
    private static ISiloBuilder UseCluster(this ISiloBuilder silo, SiloSettings settings, AzureAccount? account)
    {
        IPAddress address = IPAddress.Parse(settings.AdvertisedAddress);
        if (settings.Clustering == ClusteringKind.Azure)
            silo.UseAzureClustering(account!, settings.ServiceId, settings.ClusterId);
        else
            silo.UseLocalhostClustering(settings.SiloPort, settings.GatewayPort, null, settings.ServiceId, settings.ClusterId);
        return silo.ConfigureEndpoints(
            address,
            settings.SiloPort,
            settings.GatewayPort,
            listenOnAnyHostAddress: !IPAddress.IsLoopback(address)
        );
    }

    private static ISiloBuilder UseStore(this ISiloBuilder silo, AzureAccount? account) =>
        account is null ? silo.AddSqliteGrainStorageAsDefault() : silo.AddAzureGrainStorageAsDefault(account);

    private static ConversationModel ForConversations(this Engine engine) =>
        new()
        {
            Name = engine.Name,
            Fingerprint = engine.Fingerprint,
            Chat = ChatFormat.Load(engine.Folder, engine.Tokenizer),
            DefaultSampling = engine.DefaultSampling,
            DefaultLayout = engine.DefaultLayout,
            Devices = engine.Devices,
        };
}
