using Microsoft.AspNetCore.Http;

namespace Streaming.Gateway.Hub;

/// <summary>
/// Asks proxies (nginx by its header) not to hold back an event stream, which SignalR uses where WebSockets are not to be had: a
/// buffered stream shows nothing until some kilobytes have come together.
/// </summary>
internal sealed class UnbufferedEventStreams(RequestDelegate next)
{
    /// <summary>Adds the header to event streams.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(() =>
        {
            if (context.Response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) == true)
                context.Response.Headers["X-Accel-Buffering"] = "no";
            return Task.CompletedTask;
        });
        return next(context);
    }
}
