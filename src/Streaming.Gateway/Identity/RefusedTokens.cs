using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Streaming.Gateway.Identity;

/// <summary>
/// Logs refused tokens, each once: a client that keeps calling with an expired token, or one that guesses, must not fill the log. The
/// tokens themselves are never logged.
/// </summary>
internal sealed partial class RefusedTokens(TimeProvider time, ILogger<RefusedTokens> logger)
{
    /// <summary>Tokens that are remembered, the latest ones.</summary>
    public const int Remembered = 1024;

    /// <summary>Lines in a minute; further ones are left out.</summary>
    public const int LinesPerMinute = 20;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly HashSet<UInt128> _known = [];
    private readonly Queue<UInt128> _oldestFirst = [];
    private long _minuteBegan = time.GetTimestamp();
    private int _lines;

    /// <summary>Logs a refused token, unless it is known.</summary>
    public void Report(string token)
    {
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        if (IsNew(BitConverter.ToUInt128(digest)))
            LogRefused(logger);
    }

    private bool IsNew(UInt128 token)
    {
        lock (_gate)
        {
            if (!_known.Add(token))
                return false;
            _oldestFirst.Enqueue(token);
            if (_oldestFirst.Count > Remembered)
                _known.Remove(_oldestFirst.Dequeue());
            if (time.GetElapsedTime(_minuteBegan) >= Minute)
                (_minuteBegan, _lines) = (time.GetTimestamp(), 0);
            return ++_lines <= LinesPerMinute;
        }
    }

    [LoggerMessage(LogLevel.Information, "A token was refused: it is invalid or has expired. Further requests with it are not logged.")]
    private static partial void LogRefused(ILogger logger);
}
