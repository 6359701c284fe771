using System.Text.Json;
using System.Text.Json.Serialization;
using Streaming.Inference.Caching;

namespace Streaming.Inference.Snapshots;

/// <summary>What a snapshot and a device must have in common, so that decoding continues with the same bits.</summary>
internal sealed record SnapshotKind
{
    /// <summary>The checkpoint's fingerprint.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>Type of the weights, kernel set and its version, deterministic or not.</summary>
    public required string Arithmetic { get; init; }

    /// <summary>Type of keys and values.</summary>
    public required string Elements { get; init; }

    /// <summary>L.</summary>
    public required int Layers { get; init; }

    /// <summary>Key-value heads of a layer.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Elements of a key or a value.</summary>
    public required int HeadDim { get; init; }

    /// <summary>C, places of a slot.</summary>
    public required int Capacity { get; init; }

    /// <summary>The difference, to follow "it is" in a sentence; null if there is none.</summary>
    public string? DifferenceFrom(SnapshotKind other) =>
        Checkpoint != other.Checkpoint ? $"of the checkpoint {Short(other.Checkpoint)}, and this device has {Short(Checkpoint)}"
        : Arithmetic != other.Arithmetic ? $"of the arithmetic '{other.Arithmetic}', and this device computes with '{Arithmetic}'"
        : this != other ? $"of {other.Shape}, and this device has {Shape}"
        : null;

    private string Shape => $"{Layers} layers of {KeyValueHeads} heads of {HeadDim} {Elements}, {Capacity} places";

    private static string Short(string fingerprint) => fingerprint.Length > 12 ? fingerprint[..12] : fingerprint;
}

/// <summary>The header of a snapshot.</summary>
internal sealed record SnapshotHeader
{
    /// <summary>The maximum length.</summary>
    public const int MaxBytes = 4096;

    /// <summary>The kind of device that can restore it.</summary>
    public required SnapshotKind Kind { get; init; }

    /// <summary>The conversation's branch.</summary>
    public required int Branch { get; init; }

    /// <summary>Stream position of the next token.</summary>
    public required long Position { get; init; }

    /// <summary>Tokens fed to the slot since its last reset; fewer than the position after a rebuild.</summary>
    public required long Fed { get; init; }

    /// <summary>F: the sinks, or the pinned prompt if that is longer.</summary>
    public required int Fixed { get; init; }

    /// <summary>W.</summary>
    public required int Window { get; init; }

    /// <summary>Number of places in use.</summary>
    public required int Occupied { get; init; }

    /// <summary>Hash of all ids of the stream before the position.</summary>
    public required UInt128 StreamHash { get; init; }

    /// <summary>F and W.</summary>
    [JsonIgnore]
    public CacheLayout Layout => new(Fixed, Window);

    /// <summary>Serialises to JSON in UTF-8.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, SnapshotJson.Default.SnapshotHeader);

    /// <summary>Parses JSON in UTF-8.</summary>
    /// <exception cref="SnapshotRefusedException">It is not a header, or contradicts itself.</exception>
    public static SnapshotHeader Parse(ReadOnlySpan<byte> bytes)
    {
        SnapshotHeader? header;
        try
        {
            header = JsonSerializer.Deserialize(bytes, SnapshotJson.Default.SnapshotHeader);
        }
        catch (JsonException e)
        {
            throw new SnapshotRefusedException($"Its header cannot be read ({e.Message.TrimEnd('.')}).", isDamaged: true, e);
        }
        bool possible =
            header is { Kind: { Checkpoint: not null, Arithmetic: not null, Elements: not null }, Branch: >= 0, Fixed: >= 0, Window: >= 1 }
            && header.Fixed <= header.Kind.Capacity - header.Window
            && header.Fed >= 1
            && header.Position >= header.Fed
            && header.Occupied == Math.Min(header.Fed, header.Layout.Places);
        return possible ? header! : throw new SnapshotRefusedException("Its header contradicts itself.", isDamaged: true);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SnapshotHeader))]
internal sealed partial class SnapshotJson : JsonSerializerContext;
