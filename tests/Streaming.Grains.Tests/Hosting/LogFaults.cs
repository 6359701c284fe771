using System.Reflection;
using System.Runtime.ExceptionServices;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests.Hosting;

/// <summary>Lets operations of a silo's log fail, or wait, as the test says.</summary>
public sealed class LogFaults
{
    /// <summary>The exception of an operation, by its name; null where it works.</summary>
    public Func<string, Exception?> Of { get; set; } = _ => null;

    /// <summary>Runs before each read of events, with the read's token; null where nothing does.</summary>
    public Func<CancellationToken, Task>? BeforeEvents { get; set; }

    /// <summary>A log with these faults in front of another one.</summary>
    public IConversationLog Over(IConversationLog log)
    {
        IConversationLog faulty = DispatchProxy.Create<IConversationLog, Proxy>();
        var proxy = (Proxy)(object)faulty;
        (proxy.Faults, proxy.Log) = (this, log);
        return faulty;
    }

    public class Proxy : DispatchProxy
    {
        public LogFaults Faults { get; set; } = null!;

        public IConversationLog Log { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (Faults.Of(targetMethod!.Name) is { } fault)
                ExceptionDispatchInfo.Throw(fault);
            return targetMethod.Name == nameof(IConversationLog.ReadEventsAsync) && Faults.BeforeEvents is { } before
                ? EventsAsync(before, targetMethod, args!)
                : Call(targetMethod, args);
        }

        private async Task<IReadOnlyList<LogEvent>> EventsAsync(Func<CancellationToken, Task> before, MethodInfo method, object?[] args)
        {
            await before((CancellationToken)args[^1]!);
            return await (Task<IReadOnlyList<LogEvent>>)Call(method, args)!;
        }

        private object? Call(MethodInfo method, object?[]? args) => method.Invoke(Log, BindingFlags.DoNotWrapExceptions, null, args, null);
    }
}
