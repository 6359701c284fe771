using Microsoft.Extensions.Options;
using Streaming.Grains.Persistence;
using Streaming.Grains.Shutdown;
using Streaming.Grains.Workers;
using Streaming.Storage.Log;
using Streaming.Storage.Snapshots;

namespace Streaming.Grains.Conversations;

/// <summary>The silo's services that every conversation uses.</summary>
internal sealed record ConversationServices(
    ConversationModel Model,
    IConversationLog Log,
    ISnapshotStore Snapshots,
    WorkerChoice Workers,
    RunningReplies Replies,
    IGrainFactory Grains,
    IOptions<ConversationOptions> Options,
    TimeProvider Time
);

/// <summary>An active conversation, as its parts share it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="State">What defines it.</param>
/// <param name="Writer">The writer of its log.</param>
/// <param name="Observers">The gateways that watch it.</param>
/// <param name="KeepAlive">Delays the activation's deactivation: Orleans does not count a running reply as activity.</param>
internal sealed record ActiveConversation(
    string Id,
    ConversationState State,
    ConversationWriter Writer,
    ObserverList Observers,
    Action KeepAlive
);
