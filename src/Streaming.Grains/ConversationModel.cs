using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Chat;
using Streaming.Inference.Sampling;

namespace Streaming.Grains;

/// <summary>The checkpoint that this silo's conversations talk with, and its devices; made by the host before the silo starts.</summary>
public sealed record ConversationModel
{
    /// <summary>The checkpoint's name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>The checkpoint's fingerprint.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Turns messages into ids.</summary>
    public required ChatFormat Chat { get; init; }

    /// <summary>What a reply takes where its conversation says nothing.</summary>
    public required SamplingParameters DefaultSampling { get; init; }

    /// <summary>S and W of a conversation that asks for nothing else.</summary>
    public required CacheLayout DefaultLayout { get; init; }

    /// <summary>The devices by name (<c>cpu</c>, <c>cuda:0</c>); all with the same capacity.</summary>
    public required IReadOnlyDictionary<string, IDecodeDevice> Devices { get; init; }

    /// <summary>C: places of a slot.</summary>
    public int Capacity => Devices.Values.First().Capacity;

    /// <summary>Tokens from the end of a stream that rebuild a slot exactly.</summary>
    public int RebuildLength(int window) => Devices.Values.First().RebuildLength(window);
}
