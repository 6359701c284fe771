namespace Streaming.Contracts.Identity;

/// <summary>
/// The keys that sign identities' tokens, one ring for all gateways of a service (key "gateway"): a token given by one gateway
/// is taken by every other, also after a restart. The elements are ASP.NET Core Data Protection's XML.
/// </summary>
[Alias("key-ring-grain")]
public interface IKeyRingGrain : IGrainWithStringKey
{
    /// <summary>All elements.</summary>
    [Alias("read")]
    Task<IReadOnlyList<string>> Read();

    /// <summary>Stores an element.</summary>
    [Alias("add")]
    Task Add(string element);
}
