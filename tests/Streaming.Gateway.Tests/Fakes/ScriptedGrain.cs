using System.Reflection;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>
/// A conversation without a cluster: reads and subscriptions over a <see cref="FakeLog"/>, which can be unreachable or deleted.
/// It is a proxy because the cluster of the other tests would take a class that implements the interface for the grain.
/// </summary>
public class ScriptedGrain : DispatchProxy
{
    private FakeLog _log = null!;

    internal bool Unreachable { get; set; }

    internal bool Deleted { get; set; }

    /// <summary>The number of next reads that the store does not answer.</summary>
    internal int FailingReads { get; set; }

    internal int MostNumbersPerPage { get; set; } = int.MaxValue;

    internal int Subscriptions { get; private set; }

    internal int Goodbyes { get; private set; }

    internal static (IConversationGrain Grain, ScriptedGrain Script) Over(FakeLog log)
    {
        IConversationGrain grain = Create<IConversationGrain, ScriptedGrain>();
        var script = (ScriptedGrain)(object)grain;
        script._log = log;
        return (grain, script);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Name switch
        {
            nameof(IConversationGrain.ReadEvents) => Answer(() =>
            {
                if (FailingReads == 0)
                    return _log.Read((long)args![1]!, MostNumbersPerPage);
                FailingReads--;
                throw new RequestRefusedException(Refusal.Unavailable, "The store does not answer.");
            }),
            nameof(IConversationGrain.Subscribe) => Answer(() =>
            {
                Subscriptions++;
                return _log.LastSeq;
            }),
            nameof(IConversationGrain.Unsubscribe) => Answer(() => Goodbyes++),
            _ => throw new InvalidOperationException($"A feed does not call {targetMethod.Name}."),
        };

    private Task<T> Answer<T>(Func<T> answer)
    {
        if (Unreachable)
            return Task.FromException<T>(new TimeoutException("The silo does not answer."));
        if (Deleted)
            return Task.FromException<T>(RequestRefusedException.NoSuchConversation());
        try
        {
            return Task.FromResult(answer());
        }
        catch (RequestRefusedException refused)
        {
            return Task.FromException<T>(refused);
        }
    }
}
