using Orleans.Placement;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Workers;

/// <summary>Places a worker on the silo that its key names: its device is there.</summary>
[GenerateSerializer, Immutable, Alias("device-placement")]
internal sealed class DevicePlacement : PlacementStrategy;

/// <summary>Marks a grain that is pinned to the silo and device in its key.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class DevicePlacementAttribute() : PlacementAttribute(new DevicePlacement());

/// <summary>Places by <see cref="DevicePlacement"/>.</summary>
internal sealed class DevicePlacementDirector(ISiloMetadataCache metadata) : IPlacementDirector
{
    /// <inheritdoc/>
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        string key = target.GrainIdentity.Key.ToString() ?? "";
        if (!WorkerKey.TryParse(key, out SiloAddress? silo, out string device) || silo is null)
            throw new ArgumentException($"'{key}' is not a worker's key: make the key with WorkerKey.Of.");
        if (SiloDevices.Read(metadata.GetSiloMetadata(silo)) is { } there && !there.Devices.Contains(device))
            throw new ArgumentException(
                $"The silo {silo} has no device '{device}', only {string.Join(", ", there.Devices)}: make a key of one of these."
            );
        return Array.IndexOf(context.GetCompatibleSilos(target), silo) >= 0
            ? Task.FromResult(silo)
            : throw new SiloUnavailableException($"The silo {silo} of worker '{key}' has left.");
    }
}
