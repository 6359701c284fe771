using System.Diagnostics;

namespace Streaming.Bench.Paper.Endurance.Served;

/// <summary>What a watcher of an endless reply sees over any number of connections: every number once and in order.</summary>
/// <param name="block">Tokens over which a time is measured.</param>
/// <param name="take">Called for tokens when they are seen, with their time where it is representative.</param>
internal sealed class ReplyWatch(int block, Action<int, TimeSpan?> take)
{
    private long _clock;
    private int _inBlock;
    private (long Clock, DateTimeOffset At)? _kill;
    private TimeSpan? _returned;

    /// <summary>The last number seen.</summary>
    public long LastSeq { get; private set; }

    /// <summary>Tokens of the reply that were seen.</summary>
    public long Tokens { get; private set; }

    /// <summary>Tells that the host was killed; starts the measurement of its return.</summary>
    public void Killed(long clock, DateTimeOffset at)
    {
        (_kill, _returned) = ((clock, at), null);
        take(_inBlock, null); // no time is measured across a kill
        (_clock, _inBlock) = (0, 0);
    }

    /// <summary>From the kill until a token was seen that was stored after it; null until then.</summary>
    public TimeSpan? Returned => _returned;

    /// <summary>Takes an event.</summary>
    /// <exception cref="ToolException">A number is missing or repeated, or the reply has ended.</exception>
    public void Take(EventView e)
    {
        if (e.Seq is not { } seq)
            return;
        long first = e.First ?? seq;
        if (first != LastSeq + 1)
            throw new ToolException($"The watcher saw number {first} after {LastSeq}: the host lost or repeated events; see its output.");
        LastSeq = seq;
        if (e.Kind == "finished")
            throw new ToolException($"The endless reply ended by itself after {Tokens} tokens ({e.FinishReason}): see the host's output.");
        if (e.Kind != "delta")
            return;

        if (_kill is { } kill && e.At > kill.At)
        {
            _returned = Stopwatch.GetElapsedTime(kill.Clock);
            _kill = null;
        }
        int count = (int)(seq - first + 1);
        Tokens += count;
        if (_clock == 0 || _kill is not null)
        {
            // The first tokens came at once or had been stored before: the time is measured from here.
            take(count, null);
            _clock = Stopwatch.GetTimestamp();
            return;
        }
        _inBlock += count;
        if (_inBlock < block)
            return;
        take(_inBlock, Stopwatch.GetElapsedTime(_clock));
        (_clock, _inBlock) = (Stopwatch.GetTimestamp(), 0);
    }
}
