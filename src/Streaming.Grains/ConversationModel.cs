using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Chat;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tokenizing;

namespace Streaming.Grains;

/// <summary>The checkpoint that writes this silo's replies, and its devices; the host creates it before the silo starts.</summary>
public sealed record ConversationModel
{
    /// <summary>The checkpoint's display name.</summary>
    public required string Name { get; init; }

    /// <summary>The checkpoint's fingerprint.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Renders messages as ids.</summary>
    public required ChatFormat Chat { get; init; }

    /// <summary>The tokens' texts.</summary>
    public required IVocabulary Vocabulary { get; init; }

    /// <summary>Number of the model's tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Sampling values that a conversation leaves open.</summary>
    public required SamplingParameters DefaultSampling { get; init; }

    /// <summary>S and W of conversations that ask for no others.</summary>
    public required CacheLayout DefaultLayout { get; init; }

    /// <summary>The devices by name (<c>cpu</c>, <c>cuda:0</c>), all with the same capacity.</summary>
    public required IReadOnlyDictionary<string, IDecodeDevice> Devices { get; init; }

    /// <summary>C: places of a slot.</summary>
    public int Capacity => Devices.Values.First().Capacity;
}
