using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Streaming.Clustering;
using Streaming.Grains;
using Streaming.Grains.Hosting;
using Streaming.Hosting.Health;
using Streaming.Hosting.Settings;
using Streaming.Inference.Serving;
using Streaming.Storage.Azure;
using Streaming.Storage.Sqlite;

namespace Streaming.Silo;

/// <summary>The composition of a silo.</summary>
internal static class SiloHost
{
    /// <summary>The storage account of the settings; null for the embedded store.</summary>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The connection string is none.</exception>
    public static AzureAccount? OpenAccount(this SiloSettings settings) =>
        settings.Storage == StorageKind.Azure ? new AzureAccount(settings.Azure) : null;

    /// <summary>Registers the silo's settings.</summary>
    public static IServiceCollection AddSiloSettings(this IServiceCollection services)
    {
        services.AddSettings<SiloSettings>();
        return services.AddSingleton<IValidateOptions<SiloSettings>, SiloSettingsValidation>();
    }

    /// <summary>Store, grains and cluster membership.</summary>
    public static void AddSilo(this WebApplicationBuilder builder, SiloSettings settings, AzureAccount? account, Engine engine)
    {
        if (account is null)
            builder.Services.AddSqliteStore(settings.Data, (long)settings.SnapshotMegabytes << 20);
        else
            builder.Services.AddAzureStore(account);
        builder.Services.AddSingleton<StoreHealthCheck>(); // one, for it remembers
        builder.Services.AddHealthChecks().AddCheck<StoreHealthCheck>("store", tags: [HealthRoutes.ReadyTag]);
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
                        o.SliceTokens = settings.SliceTokens;
                        o.MaxSliceTokens = settings.MaxSliceTokens;
                        o.PreemptedMegabytes = settings.PreemptedMegabytes;
                    }
                )
        );
    }

    /// <summary>Joins the cluster. Clustering in Azure uses the store's account; the settings require one.</summary>
    private static ISiloBuilder UseCluster(this ISiloBuilder silo, SiloSettings settings, AzureAccount? account)
    {
        var address = IPAddress.Parse(settings.AdvertisedAddress);
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

    /// <summary>Refuses ports for the cluster that another process has.</summary>
    /// <exception cref="SettingsException">Names the port and its setting.</exception>
    public static void RequireFreePorts(this SiloSettings settings)
    {
        RequireFreePort(settings.SiloPort, nameof(SiloSettings.SiloPort));
        RequireFreePort(settings.GatewayPort, nameof(SiloSettings.GatewayPort));
    }

    private static void RequireFreePort(int port, string setting)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
        }
        catch (SocketException e)
        {
            string key = $"{SettingsSection.Name}:{setting}";
            throw new SettingsException($"Port {port} ({key}) is taken by another process: stop it, or set {key} to a free port.", e);
        }
    }

    private static ConversationModel ForConversations(this Engine engine) =>
        new()
        {
            Name = engine.Name,
            Fingerprint = engine.Fingerprint,
            Chat = engine.Chat,
            Vocabulary = engine.Tokenizer,
            VocabularySize = engine.VocabularySize,
            DefaultSampling = engine.DefaultSampling,
            DefaultLayout = engine.DefaultLayout,
            Devices = engine.Devices,
        };
}
