using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Streaming.Grains.Conversations;
using Streaming.Grains.Maintenance;
using Streaming.Grains.Shutdown;
using Streaming.Grains.Snapshots;
using Streaming.Grains.Workers;

namespace Streaming.Grains.Hosting;

/// <summary>Adds conversations to a silo.</summary>
public static class GrainsExtensions
{
    /// <summary>
    /// Conversations, workers and directories. The host adds a log (<see cref="Storage.Log.IConversationLog"/>), a store of snapshots
    /// (<see cref="Storage.Snapshots.ISnapshotStore"/>) and the default grain storage. The silo's devices are published to the others.
    /// </summary>
    public static ISiloBuilder AddConversations(
        this ISiloBuilder silo,
        ConversationModel model,
        Action<ConversationOptions>? configure = null
    )
    {
        silo.Services.AddOptions<ConversationOptions>();
        if (configure is not null)
            silo.Services.Configure(configure);
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton(model);
        silo.Services.AddSingleton<WorkerChoice>();
        silo.Services.AddSingleton<RunningReplies>();
        silo.Services.AddSingleton<ConversationServices>();
        silo.Services.AddSingleton<SnapshotVerifier>();
        silo.Services.AddSingleton<SlotRebuild>();
        silo.Services.AddSingleton<SlotRestore>();
        silo.Services.AddSingleton<SnapshotKeeper>();
        silo.Services.AddHostedService(provider => provider.GetRequiredService<SnapshotKeeper>());
        silo.Services.AddPlacementDirector<DevicePlacement, DevicePlacementDirector>();
        silo.Services.AddHostedService<GracefulShutdown>();
        silo.Services.AddHostedService<MaintenanceService>();
        return silo.UseSiloMetadata(SiloDevices.Of(model).ToMetadata());
    }
}
