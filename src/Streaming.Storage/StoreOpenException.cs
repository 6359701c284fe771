namespace Streaming.Storage;

/// <summary>
/// A store cannot be opened: its folder is in use or not writable, its file is not a store, or has another schema version. The message
/// is one sentence for the operator: what, where, and what to do.
/// </summary>
public sealed class StoreOpenException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Refuses what has another schema version than this program reads.</summary>
    internal static StoreOpenException OtherSchema(string what, long? found, int known) =>
        new($"{what} has schema version {found}, and this program knows version {known}: run the program that wrote it, or a newer one.");
}
