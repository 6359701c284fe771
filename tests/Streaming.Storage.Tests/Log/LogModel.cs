using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>One conversation's log according to the contract, in plain lists: each branch is a full copy of its stream.</summary>
internal sealed class LogModel(string id)
{
    private readonly List<LogEvent> _events = [];
    private readonly List<List<int>> _branches =
    [
        [],
    ];
    private readonly Dictionary<string, MessageReceipt> _receipts = [];
    private LogHead? _head;
    private LogAppend? _last;
    private string? _title;

    public LogHead? Head => _head;

    public object Create(string owner, DateTimeOffset at)
    {
        if (_head is not null)
            return nameof(LogExistsException);
        _head = new LogHead
        {
            Id = id,
            Owner = owner,
            CreatedAt = at,
            ActiveAt = at,
        };
        return "done";
    }

    public object Open(string writer)
    {
        if (_head is null)
            return nameof(LogMissingException);
        if (_head.HiddenAt is not null)
            return nameof(LogFencedException);
        if (_head.Writer != writer)
            _head = _head with { Writer = writer, Epoch = _head.Epoch + 1 };
        return _head;
    }

    public object Append(LogAppend append)
    {
        if (_head is null)
            return nameof(LogMissingException);
        if (append.Epoch != _head.Epoch)
            return nameof(LogFencedException);
        if (append.ExpectedLastSeq != _head.LastSeq || append.ExpectedPosition != _head.Position)
            return ReferenceEquals(append, _last) ? _head : nameof(LogFencedException);
        if (
            append.CutTo > _head.Position
            || append.LastTurn < _head.LastTurn
            || (append.Receipt is { } known && _receipts.ContainsKey(known.MessageHash))
        )
            return nameof(ArgumentException);

        _events.AddRange(append.Events);
        if (append.CutTo is { } cut)
            _branches.Add(_branches[^1][..(int)cut]);
        _branches[^1].AddRange(append.Ids.ToArray());
        if (append.Receipt is { } receipt)
            _receipts.Add(receipt.MessageHash, receipt);
        _last = append;
        _head = _head with
        {
            LastSeq = _events.Count == 0 ? 0 : _events[^1].Last,
            Position = _branches[^1].Count,
            Branch = _branches.Count - 1,
            LastTurn = append.LastTurn,
            Running = append.Running,
            State = append.State,
            ActiveAt = append.ActiveAt ?? _head.ActiveAt,
        };
        return _head;
    }

    public object ReadEvents(long from, long to, int maxRows, int maxTextBytes)
    {
        if (_head is null)
            return nameof(LogMissingException);
        var page = new List<LogEvent>();
        foreach (LogEvent? e in _events.Where(e => e.Last >= from && e.First <= to).Take(maxRows))
        {
            if (page.Count > 0 && page.Append(e).Sum(one => System.Text.Encoding.UTF8.GetByteCount(one.Text)) > maxTextBytes)
                break;
            page.Add(e);
        }

        return Describe(page);
    }

    public object ReadIds(int branch, long from, long to)
    {
        if (_head is null)
            return nameof(LogMissingException);
        if (branch >= _branches.Count)
            return nameof(ArgumentException);
        return string.Join(' ', _branches[branch].Skip((int)from).Take((int)(to - from)));
    }

    public object FindMessage(string hash) =>
        _head is null ? nameof(LogMissingException) : _receipts.GetValueOrDefault(hash) ?? (object)"none";

    public object Retitle(string title)
    {
        if (_head is null)
            return nameof(LogMissingException);
        _title = title;
        return "done";
    }

    public object Hide(DateTimeOffset at)
    {
        if (_head is null)
            return nameof(LogMissingException);
        if (_head.HiddenAt is null)
            _head = _head with { HiddenAt = at, Epoch = _head.Epoch + 1, Writer = "" };
        return "done";
    }

    public object Erase()
    {
        if (_head is { HiddenAt: null })
            return nameof(InvalidOperationException);
        _head = null;
        _last = null;
        _title = null;
        _events.Clear();
        _receipts.Clear();
        _branches.Clear();
        _branches.Add([]);
        return "done";
    }

    public object ListOwned() => _head is { HiddenAt: null } ? $"{id} {_title} {_head.CreatedAt:O} {_head.ActiveAt:O}" : "";

    public object ListRunning() => _head is { HiddenAt: null, Running: true } ? id : "";

    public static string Describe(IEnumerable<LogEvent> events) =>
        string.Join(
            '\n',
            events.Select(e =>
                $"{e.First}..{e.Last} {e.Kind} {e.Turn} {e.Author} {e.TextOffset} '{e.Text}' [{string.Join(' ', e.Lengths)}] "
                + $"{e.At:O} {e.Detail}"
            )
        );
}
