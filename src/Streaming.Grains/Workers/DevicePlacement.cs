using Orleans.Placement;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Workers;

/// <summary>Puts a worker on the silo that its key names, and nowhere else: its tensors are there.</summary>
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
            throw new ArgumentException($"'{key}' is no key of a worker: make it by WorkerKey.Of.");
        if (SiloDevices.Read(metadata.GetSiloMetadata(silo)) is { } there && !there.Devices.Contains(device))
            throw new ArgumentException(
                $"The silo {silo} has no device '{device}', it has {string.Join(", ", there.Devices)}: make the key of one of them."
            );
        return Array.IndexOf(context.GetCompatibleSilos(target), silo) >= 0
            ? Task.FromResult(silo)
            : throw new SiloUnavailableException($"The silo {silo} of worker '{key}' has left.");
    }
}
