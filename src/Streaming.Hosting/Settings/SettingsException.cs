namespace Streaming.Hosting.Settings;

/// <summary>A setting is wrong; the message is one sentence that names its key.</summary>
public sealed class SettingsException : Exception
{
    /// <summary>Creates the exception.</summary>
    public SettingsException(string message, Exception? inner = null)
        : base(message, inner) { }
}
