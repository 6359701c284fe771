namespace Streaming.Contracts;

/// <summary>
/// The version of what is stored. The log's head and each grain state name in <c>RequiredVersion</c> the version that a writer needs
/// at least; where it is absent, that is 1. A writer whose <see cref="Current"/> is lower refuses to write: it would drop fields that
/// it does not know.
/// </summary>
public static class StoreVersion
{
    /// <summary>
    /// The version that this build reads and writes. It is raised in a release whose stored fields an older release must not drop. An
    /// append or a state that has such a field then says so in <c>RequiredVersion</c>; where the field is absent, it does not.
    /// </summary>
    public const int Current = 1;
}
