namespace Streaming.Hosting;

/// <summary>
/// A clock that never goes back. Orleans schedules the collection of idle grains by the clock, and no grain can be activated while the
/// clock is further behind an earlier schedule than a grain may be idle (15 minutes). After the system's clock was set back, this one
/// runs at half speed until the system's has caught up.
/// </summary>
/// <param name="system">The clock that may be set back.</param>
public sealed class ForwardClock(TimeProvider system) : TimeProvider
{
    private readonly Lock _gate = new();
    private DateTimeOffset _last = DateTimeOffset.MinValue;
    private long _lastTimestamp;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => system.LocalTimeZone;

    /// <inheritdoc/>
    public override long TimestampFrequency => system.TimestampFrequency;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            DateTimeOffset now = system.GetUtcNow();
            if (now < _last)
                now = _last + (system.GetElapsedTime(_lastTimestamp) / 2);
            _lastTimestamp = system.GetTimestamp();
            return _last = now;
        }
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => system.GetTimestamp();

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        system.CreateTimer(callback, state, dueTime, period);
}
