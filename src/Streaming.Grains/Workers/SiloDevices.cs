using System.Collections.Immutable;
using System.Globalization;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace Streaming.Grains.Workers;

/// <summary>A silo's devices, as it publishes them in the membership's metadata.</summary>
/// <param name="Devices">The devices' names, <c>cpu</c>, <c>cuda:0</c>.</param>
/// <param name="Checkpoint">Fingerprint of the checkpoint that they hold.</param>
/// <param name="Capacity">C: places of a slot.</param>
internal sealed record SiloDevices(IReadOnlyList<string> Devices, string Checkpoint, int Capacity)
{
    private const string DevicesKey = "streaming.devices";
    private const string CheckpointKey = "streaming.checkpoint";
    private const string CapacityKey = "streaming.capacity";

    /// <summary>The devices of this silo.</summary>
    public static SiloDevices Of(ConversationModel model) =>
        new([.. model.Devices.Keys.Order(StringComparer.Ordinal)], model.Fingerprint, model.Capacity);

    /// <summary>The devices that a silo published; null when it published none, or none has arrived yet.</summary>
    public static SiloDevices? Read(SiloMetadata metadata)
    {
        ImmutableDictionary<string, string> published = metadata.Metadata;
        return
            published.TryGetValue(DevicesKey, out string? devices)
            && published.TryGetValue(CheckpointKey, out string? checkpoint)
            && published.TryGetValue(CapacityKey, out string? text)
            && int.TryParse(text, CultureInfo.InvariantCulture, out int capacity)
            ? new SiloDevices(devices.Split(',', StringSplitOptions.RemoveEmptyEntries), checkpoint, capacity)
            : null;
    }

    /// <summary>The metadata to publish.</summary>
    public Dictionary<string, string> ToMetadata() =>
        new()
        {
            [DevicesKey] = string.Join(',', Devices),
            [CheckpointKey] = Checkpoint,
            [CapacityKey] = Capacity.ToString(CultureInfo.InvariantCulture),
        };
}
