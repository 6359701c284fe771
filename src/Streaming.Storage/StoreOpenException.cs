namespace Streaming.Storage;

/// <summary>
/// A store cannot be opened: its folder is in use or not writable, its file is not a store or of a newer version. The message is
/// one sentence for whoever started the host: what, where, and what to do.
/// </summary>
public sealed class StoreOpenException(string message, Exception? inner = null) : Exception(message, inner);
