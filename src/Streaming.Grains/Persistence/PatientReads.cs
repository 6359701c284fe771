using Streaming.Storage.Log;

namespace Streaming.Grains.Persistence;

/// <summary>
/// Reads that a reply needs. Only an append shows whether this activation may still write, so a read that found no place or timed out
/// is repeated, and never ends the reply.
/// </summary>
internal static class PatientReads
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>Reads until the store answers.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="read">One attempt.</param>
    /// <param name="cancellation">Ends the attempts.</param>
    public static async Task<T> UntilReadAsync<T>(this TimeProvider time, Func<Task<T>> read, CancellationToken cancellation = default)
    {
        for (TimeSpan pause = FirstPause; ; pause = pause < LongestPause ? 2 * pause : LongestPause)
        {
            try
            {
                return await read();
            }
            catch (LogUnavailableException)
            {
                cancellation.ThrowIfCancellationRequested();
            }
            await Task.Delay(pause, time, cancellation);
        }
    }
}
