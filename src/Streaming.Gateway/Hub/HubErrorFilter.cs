using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Logging;
using Streaming.Contracts;

namespace Streaming.Gateway.Hub;

/// <summary>
/// Translates exceptions for callers. A refusal becomes its own sentence; everything else is logged and becomes one neutral
/// sentence.
/// </summary>
internal sealed partial class HubErrorFilter(ILogger<ChatHub> logger) : IHubFilter
{
    /// <summary>The neutral sentence.</summary>
    public const string Neutral = "The service could not do this now: try again in a moment.";

    /// <inheritdoc />
    public ValueTask<object?> InvokeMethodAsync(
        HubInvocationContext invocationContext,
        Func<HubInvocationContext, ValueTask<object?>> next
    ) => TranslateAsync(invocationContext.HubMethodName, () => next(invocationContext), invocationContext.Context.ConnectionAborted);

    /// <summary>Runs a call, or one step of a stream, and translates its exceptions.</summary>
    public async ValueTask<T> TranslateAsync<T>(string method, Func<ValueTask<T>> call, CancellationToken cancelled)
    {
        try
        {
            return await call();
        }
        catch (HubException)
        {
            throw;
        }
        catch (RequestRefusedException refused)
        {
            throw new HubException(refused.Message);
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception)
        {
            LogFailed(logger, method, exception);
            throw new HubException(Neutral);
        }
    }

    [LoggerMessage(LogLevel.Error, "The hub method {Method} failed.")]
    private static partial void LogFailed(ILogger logger, string method, Exception exception);
}
