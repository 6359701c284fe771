using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.DependencyInjection;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests.Hosting;

/// <summary>Lets operations of a silo's log fail as the test says.</summary>
public sealed class LogFaults
{
    /// <summary>The exception of an operation, by its name; null where it works.</summary>
    public Func<string, Exception?> Of { get; set; } = _ => null;

    /// <summary>Puts the faults in front of the log that is registered.</summary>
    public void AddTo(IServiceCollection services)
    {
        Type log = services.Last(service => service.ServiceType == typeof(IConversationLog)).ImplementationType!;
        services.AddSingleton(provider =>
        {
            IConversationLog faulty = DispatchProxy.Create<IConversationLog, Proxy>();
            var proxy = (Proxy)(object)faulty;
            proxy.Faults = this;
            proxy.Log = (IConversationLog)ActivatorUtilities.CreateInstance(provider, log);
            return faulty;
        });
    }

    public class Proxy : DispatchProxy
    {
        public LogFaults Faults { get; set; } = null!;

        public IConversationLog Log { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (Faults.Of(targetMethod!.Name) is { } fault)
                ExceptionDispatchInfo.Throw(fault);
            return targetMethod.Invoke(Log, BindingFlags.DoNotWrapExceptions, null, args, null);
        }
    }
}
