namespace Streaming.Bench.Paper.Endurance;

/// <summary>Collects the cost of a conversation's tokens into rows.</summary>
/// <param name="segment">Tokens of a row.</param>
/// <param name="residentMiB">Resident memory now.</param>
/// <param name="logMiB">Size of the log's files now, null for none.</param>
internal sealed class CostMeter(int segment, Func<double> residentMiB, Func<double?> logMiB)
{
    /// <summary>Readings of the memory in each row.</summary>
    private const int Samples = 10;

    private readonly List<double> _ms = [];
    private readonly List<double> _resident = [];
    private double _total;
    private long _timed;
    private long _tokens;

    /// <summary>Adds tokens and their time, null if it is not representative; returns a row when they complete one.</summary>
    public CostRow? Add(int tokens, TimeSpan? took)
    {
        long before = _tokens;
        _tokens += tokens;
        if (took is { } time)
        {
            _ms.Add(time.TotalMilliseconds / tokens);
            _total += time.TotalMilliseconds;
            _timed += tokens;
        }
        int every = Math.Max(1, segment / Samples);
        if (before / every != _tokens / every)
            _resident.Add(residentMiB());
        if (before / segment == _tokens / segment)
            return null;
        if (_ms.Count == 0)
            throw new ToolException(
                $"No time was measured for the tokens up to {_tokens}: there are too many kills for rows of {segment} tokens."
            );

        _ms.Sort();
        var row = new CostRow(_tokens / segment * segment, _total / _timed, At(0.5), At(0.99), _resident.Average(), logMiB());
        _ms.Clear();
        _resident.Clear();
        (_total, _timed) = (0, 0);
        return row;
    }

    /// <summary>The least time that is not below a share of the times.</summary>
    private double At(double share) => _ms[(int)Math.Ceiling(share * _ms.Count) - 1];
}
