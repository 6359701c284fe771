namespace Streaming.Contracts.Identity;

/// <summary>
/// The keys that sign identities' tokens: one ring (key "gateway") for all gateways of a service, so that every gateway accepts
/// every other's tokens, also after a restart. The elements are XML of ASP.NET Core Data Protection.
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
