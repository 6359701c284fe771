using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Streaming.Hosting.Http;

namespace Streaming.Gateway.Hub;

/// <summary>The guests to whom the open connections belong, by the token that names a connection in its requests.</summary>
internal sealed class ConnectionOwners
{
    private readonly ConcurrentDictionary<string, string> _owners = [];

    /// <summary>The guest in a request's token.</summary>
    public static string? GuestOf(ClaimsPrincipal? user) => user?.FindFirstValue(ClaimTypes.NameIdentifier);

    /// <summary>The name of the connection to which a request belongs; null for one that opens a connection.</summary>
    public static string? ConnectionOf(HttpRequest request) => request.Query["id"] is [{ Length: > 0 } id] ? id : null;

    /// <summary>Whether a connection is open and belongs to somebody else.</summary>
    public bool BelongsToAnother(string connection, string? guest) => _owners.TryGetValue(connection, out string? owner) && owner != guest;

    /// <summary>Serves the hub, and remembers each connection's owner while it is open.</summary>
    public void Track(IConnectionBuilder connections) =>
        connections
            .Use(next =>
                async connection =>
                {
                    HttpContext request = connection.GetHttpContext()!;
                    string? name = ConnectionOf(request.Request); // A WebSocket without negotiation has none, and is one request.
                    if (name is not null && GuestOf(request.User) is { } guest)
                        _owners[name] = guest;
                    try
                    {
                        await next(connection);
                    }
                    finally
                    {
                        if (name is not null)
                            _owners.TryRemove(name, out _);
                    }
                }
            )
            .UseHub<ChatHub>();
}

/// <summary>
/// Refuses requests of one guest on a connection of another. A connection by long polling or server-sent events consists of many
/// requests, and SignalR takes each with any valid token.
/// </summary>
internal sealed class ConnectionOwnership(RequestDelegate next, ConnectionOwners owners)
{
    /// <summary>Passes a request on, or refuses it.</summary>
    public Task InvokeAsync(HttpContext context) =>
        ConnectionOwners.ConnectionOf(context.Request) is { } connection
        && owners.BelongsToAnother(connection, ConnectionOwners.GuestOf(context.User))
            ? ErrorResponse.WriteAsync(
                context,
                StatusCodes.Status403Forbidden,
                "This connection belongs to another guest: open one of your own."
            )
            : next(context);
}
