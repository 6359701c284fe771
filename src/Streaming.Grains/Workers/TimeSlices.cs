namespace Streaming.Grains.Workers;

/// <summary>
/// How many tokens a reply gets before it gives its slot up to another one: so many that copying slots out and in takes at most a
/// twentieth of the device's time, within limits. Not thread-safe.
/// </summary>
/// <param name="slots">The device's slots.</param>
/// <param name="shortest">Tokens of the shortest slice; a newcomer's first token waits for no longer one.</param>
/// <param name="longest">Tokens of the longest slice, which bounds the gaps between slices whatever a copy costs.</param>
internal sealed class TimeSlices(int slots, int shortest = 32, int longest = 2048)
{
    /// <summary>Slices last so many times as long as the copies that they cost.</summary>
    private const int TimesSwap = 20;

    /// <summary>Weight of a new measurement in the averages.</summary>
    private const double Weight = 0.2;

    private double _copySeconds;
    private double _secondsPerToken;

    /// <summary>Tokens of the shortest slice.</summary>
    public int Shortest => shortest;

    /// <summary>
    /// Tokens of a slice now. In one slice every slot may be copied out and in once, and all wait for each of these copies.
    /// </summary>
    public int Tokens =>
        _secondsPerToken > 0
            ? (int)Math.Clamp(TimesSwap * 2 * slots * _copySeconds / _secondsPerToken, shortest, Math.Max(shortest, longest))
            : shortest;

    /// <summary>How long a slice lasts; null before anything was measured.</summary>
    public TimeSpan? Duration => _secondsPerToken > 0 ? TimeSpan.FromSeconds(Tokens * _secondsPerToken) : null;

    /// <summary>Records what a slice took.</summary>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="elapsed">Its time.</param>
    /// <param name="copy">How long the device's thread copied the slot out; null when the reply ended instead.</param>
    public void Measured(long tokens, TimeSpan elapsed, TimeSpan? copy)
    {
        if (tokens > 0)
            _secondsPerToken = Average(_secondsPerToken, elapsed.TotalSeconds / tokens);
        if (copy is { } time)
            _copySeconds = Average(_copySeconds, time.TotalSeconds);
    }

    private static double Average(double before, double now) => before > 0 ? before + Weight * (now - before) : now;
}
