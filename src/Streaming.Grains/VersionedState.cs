using Streaming.Contracts;

namespace Streaming.Grains;

/// <summary>Grain state that names the version which a writer needs at least.</summary>
internal interface IVersionedState
{
    /// <summary>The <see cref="StoreVersion"/> that a writer needs at least; 1 where the field is absent.</summary>
    int RequiredVersion { get; }
}

/// <summary>Writes grain state only where this build knows all of its fields.</summary>
internal static class VersionedState
{
    /// <summary>Refuses to change state that a newer version wrote: a write would drop the fields that this build does not know.</summary>
    /// <exception cref="RequestRefusedException">The state needs a newer version.</exception>
    public static void RequireWritable<T>(this IPersistentState<T> state)
        where T : IVersionedState
    {
        if (state.State.RequiredVersion > StoreVersion.Current)
            throw Refused(state.State.RequiredVersion);
    }

    /// <summary>The refusal to change what needs a newer version.</summary>
    public static RequestRefusedException Refused(int required) =>
        new(
            Refusal.Unavailable,
            $"The stored data needs version {required} of the store, and this silo writes "
                + $"version {StoreVersion.Current}: upgrade the silo."
        );
}
