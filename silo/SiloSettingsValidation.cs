using System.Net;
using Microsoft.Extensions.Options;
using Streaming.Clustering;
using Streaming.Hosting.Settings;
using Streaming.Inference.Serving;

namespace Streaming.Silo;

/// <summary>Refuses settings of a silo that are out of range or contradict each other.</summary>
internal sealed class SiloSettingsValidation : IValidateOptions<SiloSettings>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, SiloSettings options)
    {
        if (Problems(options).FirstOrDefault() is { } problem)
            return ValidateOptionsResult.Fail(problem);
        if (options.Clustering == ClusteringKind.Azure || options.Storage == StorageKind.Azure)
            options.Azure.Validate();
        return ValidateOptionsResult.Success;
    }

    private static IEnumerable<string> Problems(SiloSettings s)
    {
        bool hasAddress = IPAddress.TryParse(s.AdvertisedAddress, out IPAddress? address);
        bool isUnspecified = hasAddress && (address!.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        (bool IsValid, string Key, object? Value, string Range)[] rules =
        [
            (s.Model.Trim().Length > 0, nameof(s.Model), s.Model, "a checkpoint's directory"),
            (s.Sinks >= 0, nameof(s.Sinks), s.Sinks, "0 or more"),
            (s.Window is null or >= 1, nameof(s.Window), s.Window, "1 or more"),
            (Engine.TryParse(s.DType, out _), nameof(s.DType), s.DType, "auto, float32, bfloat16, int8 or int4"),
            (s.Slots is >= 1 and <= 4096, nameof(s.Slots), s.Slots, "1 to 4096"),
            (s.Threads is null or (>= 1 and <= 1024), nameof(s.Threads), s.Threads, "1 to 1024"),
            (IsPort(s.SiloPort), nameof(s.SiloPort), s.SiloPort, "a port, 1 to 65535"),
            (
                IsPort(s.GatewayPort) && s.GatewayPort != s.SiloPort,
                nameof(s.GatewayPort),
                s.GatewayPort,
                "a port, 1 to 65535, other than SiloPort"
            ),
            (s.GroupTokens is >= 1 and <= 1024, nameof(s.GroupTokens), s.GroupTokens, "1 to 1024"),
            (s.GroupMilliseconds is >= 1 and <= 10_000, nameof(s.GroupMilliseconds), s.GroupMilliseconds, "1 to 10000"),
            (s.SnapshotTokens >= 0, nameof(s.SnapshotTokens), s.SnapshotTokens, "0 or more"),
            (s.SliceTokens is >= 1 and <= 65536, nameof(s.SliceTokens), s.SliceTokens, "1 to 65536"),
            (s.MaxSliceTokens >= s.SliceTokens, nameof(s.MaxSliceTokens), s.MaxSliceTokens, "SliceTokens or more"),
            (s.PreemptedMegabytes >= 0, nameof(s.PreemptedMegabytes), s.PreemptedMegabytes, "0 or more"),
            (s.SnapshotMegabytes >= 1, nameof(s.SnapshotMegabytes), s.SnapshotMegabytes, "1 or more"),
            (s.Data.Trim().Length > 0 && !File.Exists(s.Data), nameof(s.Data), s.Data, "a directory"),
            (s.Devices.All(d => d.Length > 0), nameof(s.Devices), string.Join(", ", s.Devices), "names such as cpu or cuda:0"),
            (s.ClusterId.Trim().Length > 0, nameof(s.ClusterId), s.ClusterId, "a name"),
            (s.ServiceId.Trim().Length > 0, nameof(s.ServiceId), s.ServiceId, "a name"),
            (
                hasAddress && !isUnspecified,
                nameof(s.AdvertisedAddress),
                s.AdvertisedAddress,
                "an IP address of this machine, by which the others reach it"
            ),
        ];
        foreach ((bool isValid, string key, object? value, string range) in rules)
        {
            if (!isValid)
                yield return $"{SettingsSection.Name}:{key} is '{value}': it must be {range}.";
        }

        if (s.Clustering == ClusteringKind.Azure && s.Storage == StorageKind.Sqlite)
            yield return "Streaming:Clustering is Azure and Streaming:Storage is Sqlite, which the other silos cannot reach: "
                + "set Streaming:Storage to Azure, or Streaming:Clustering to Localhost.";
        if (s.Clustering == ClusteringKind.Localhost && hasAddress && !IPAddress.IsLoopback(address!))
            yield return $"Streaming:AdvertisedAddress is {address} and Streaming:Clustering is Localhost, which "
                + "other machines cannot join: "
                + "set Streaming:Clustering to Azure, or leave Streaming:AdvertisedAddress out.";
    }

    private static bool IsPort(int port) => port is >= 1 and <= 65535;
}
