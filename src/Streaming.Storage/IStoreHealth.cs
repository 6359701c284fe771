namespace Streaming.Storage;

/// <summary>Tells whether a store can be written.</summary>
public interface IStoreHealth
{
    /// <summary>Makes a test write that changes no data. Null if it succeeded, else what is wrong.</summary>
    Task<string?> FindProblemAsync(CancellationToken cancellation);
}
