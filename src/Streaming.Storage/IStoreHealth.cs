namespace Streaming.Storage;

/// <summary>Whether a store can be written now.</summary>
public interface IStoreHealth
{
    /// <summary>Tries a write of its own that changes nothing; null when it took effect, else what is wrong.</summary>
    Task<string?> FindProblemAsync(CancellationToken cancellation);
}
