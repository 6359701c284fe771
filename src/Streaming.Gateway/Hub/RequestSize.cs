using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Streaming.Hosting.Http;

namespace Streaming.Gateway.Hub;

/// <summary>
/// Refuses requests that are too long before their bodies are read. SignalR alone would read them as far as a connection's buffer
/// takes them, and then wait.
/// </summary>
/// <param name="next">The rest of the pipeline.</param>
/// <param name="most">The largest body, in bytes.</param>
internal sealed class RequestSize(RequestDelegate next, long most)
{
    /// <summary>Passes a request on, or refuses it.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.ContentLength > most)
            return ErrorResponse.WriteAsync(
                context,
                StatusCodes.Status413PayloadTooLarge,
                $"The request has {context.Request.ContentLength} bytes, and {most} is the most: send it in parts."
            );
        // For bodies that do not say how long they are; upgraded connections have none.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = most;
        return next(context);
    }
}
