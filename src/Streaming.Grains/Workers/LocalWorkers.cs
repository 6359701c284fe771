using Streaming.Contracts.Workers;

namespace Streaming.Grains.Workers;

/// <summary>The workers of this silo's own devices.</summary>
internal sealed class LocalWorkers(ConversationModel model, ILocalSiloDetails silo)
{
    private readonly string[] _keys = [.. model.Devices.Keys.Order(StringComparer.Ordinal).Select(d => WorkerKey.Of(silo.SiloAddress, d))];

    /// <summary>The key of the worker that a conversation goes to: always the same one, so that it finds its slot again.</summary>
    public string KeyFor(GrainId conversation) => _keys[conversation.GetUniformHashCode() % (uint)_keys.Length];
}
