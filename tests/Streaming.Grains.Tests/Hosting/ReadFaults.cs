using System.Reflection;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests.Hosting;

/// <summary>A log whose reads can fail while its appends succeed.</summary>
public class ReadFaults : DispatchProxy
{
    private IConversationLog _log = null!;
    private int _failed;

    /// <summary>Whether a method, by its name, fails.</summary>
    internal Func<string, bool> Fails { get; set; } = _ => false;

    /// <summary>Called when a method fails, with the number of failures so far.</summary>
    internal Action<int>? Failed { get; set; }

    /// <summary>Called with the token of a read of events.</summary>
    internal Func<CancellationToken, Task>? BeforeEvents { get; set; }

    internal IConversationLog Over(IConversationLog log)
    {
        _log = log;
        return (IConversationLog)(object)this;
    }

    internal static ReadFaults New() => (ReadFaults)(object)Create<IConversationLog, ReadFaults>();

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (Fails(targetMethod!.Name))
        {
            Failed?.Invoke(Interlocked.Increment(ref _failed));
            throw new LogUnavailableException("The store was too busy to start a read.", new TimeoutException());
        }
        return targetMethod.Name == nameof(IConversationLog.ReadEventsAsync) && BeforeEvents is { } before
            ? EventsAsync(before, targetMethod, args!)
            : targetMethod.Invoke(_log, args);
    }

    private async Task<IReadOnlyList<LogEvent>> EventsAsync(Func<CancellationToken, Task> before, MethodInfo method, object?[] args)
    {
        await before((CancellationToken)args[^1]!);
        return await (Task<IReadOnlyList<LogEvent>>)method.Invoke(_log, args)!;
    }
}
