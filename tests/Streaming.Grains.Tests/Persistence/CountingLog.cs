using System.Reflection;
using System.Text;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests.Persistence;

/// <summary>Events in memory, and what reading them cost.</summary>
public class CountingLog : DispatchProxy
{
    private IReadOnlyList<LogEvent> _events = [];

    internal int Reads { get; private set; }

    /// <summary>UTF-8 bytes of text that were returned.</summary>
    internal long Bytes { get; private set; }

    internal static (IConversationLog Log, CountingLog Cost) Of(IReadOnlyList<LogEvent> events)
    {
        IConversationLog log = Create<IConversationLog, CountingLog>();
        var cost = (CountingLog)(object)log;
        cost._events = events;
        return (log, cost);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        Assert.Equal(nameof(IConversationLog.ReadEventsAsync), targetMethod!.Name);
        return Task.FromResult<IReadOnlyList<LogEvent>>(Read((long)args![1]!, (long)args[2]!, (int)args[3]!, (int)args[4]!));
    }

    private List<LogEvent> Read(long from, long to, int maxRows, int maxTextBytes)
    {
        Reads++;
        var page = new List<LogEvent>();
        long bytes = 0;
        foreach (LogEvent row in _events.Where(row => row.Last >= from && row.First <= to).Take(maxRows))
        {
            long length = Encoding.UTF8.GetByteCount(row.Text);
            if (page.Count > 0 && bytes + length > maxTextBytes)
                break;
            page.Add(row);
            bytes += length;
        }
        Bytes += bytes;
        return page;
    }
}
