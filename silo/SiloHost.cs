using System.Net;
using Streaming.Gateway.Settings;
using Streaming.Grains;
using Streaming.Inference;
using Streaming.Inference.Chat;
using Streaming.Storage;

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
        builder.Services.AddSqliteStore(settings.Data);
        builder.Services.AddSingleton(engine.ForConversations());
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
        builder.Host.UseOrleans(silo => silo
            .UseLocalhostClustering(settings.SiloPort, settings.GatewayPort, null, settings.ServiceId, settings.ClusterId)
            .ConfigureEndpoints(IPAddress.Loopback, settings.SiloPort, settings.GatewayPort)
            .AddSqliteGrainStorageAsDefault()
            .AddConversations(o =>
            {
                o.GroupTokens = settings.GroupTokens;
                o.GroupInterval = TimeSpan.FromMilliseconds(settings.GroupMilliseconds);
            }));
    }

    private static ConversationModel ForConversations(this Engine engine) => new()
    {
        Name = engine.Name,
        Fingerprint = engine.Fingerprint,
        Chat = ChatFormat.Load(engine.Folder, engine.Tokenizer),
        DefaultSampling = engine.DefaultSampling,
        DefaultLayout = engine.DefaultLayout,
        Devices = engine.Devices,
    };
}
