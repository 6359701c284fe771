using Streaming.Contracts.Identity;

namespace Streaming.Grains.Identity;

/// <summary>Keeps the gateways' key ring in grain storage.</summary>
[GrainType("keyring")]
internal sealed class KeyRingGrain([PersistentState("key-ring")] IPersistentState<KeyRing> ring) : Grain, IKeyRingGrain
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> Read() => Task.FromResult<IReadOnlyList<string>>([.. ring.State.Elements]);

    /// <inheritdoc/>
    public async Task Add(string element)
    {
        ring.RequireWritable();
        ring.State.Elements.Add(element);
        try
        {
            await ring.WriteStateAsync();
        }
        catch
        {
            // Memory must not hold an element that the store does not.
            ring.State.Elements.Remove(element);
            throw;
        }
    }
}

/// <summary>The ring's elements, XML.</summary>
[GenerateSerializer, Alias("key-ring")]
internal sealed class KeyRing : IVersionedState
{
    /// <summary>Data Protection's elements.</summary>
    [Id(0)]
    public List<string> Elements { get; set; } = [];

    /// <inheritdoc/>
    [Id(1)]
    public int RequiredVersion { get; set; } = 1;
}
