using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Logging;
using Streaming.Contracts;

namespace Streaming.Gateway.Hub;

/// <summary>
/// What a caller learns of a failure: a refusal's own sentence; of everything else one neutral sentence, while the log has
/// the exception, without people's words.
/// </summary>
internal sealed partial class HubErrorFilter(ILogger<ChatHub> logger) : IHubFilter
{
    /// <summary>The neutral sentence.</summary>
    public const string Neutral = "The service could not do this now: try again in a moment.";

    /// <inheritdoc />
    public ValueTask<object?> InvokeMethodAsync(
        HubInvocationContext invocationContext,
        Func<HubInvocationContext, ValueTask<object?>> next
    ) => Translate(invocationContext.HubMethodName, () => next(invocationContext), invocationContext.Context.ConnectionAborted);

    /// <summary>Runs a call, or a step of a stream, with its failures translated.</summary>
    public async ValueTask<T> Translate<T>(string method, Func<ValueTask<T>> call, CancellationToken left)
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
        catch (OperationCanceledException) when (left.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception)
        {
            LogFailed(logger, method, exception);
            throw new HubException(Neutral);
        }
    }

    [LoggerMessage(LogLevel.Error, "The hub's {Method} failed.")]
    private static partial void LogFailed(ILogger logger, string method, Exception exception);
}
