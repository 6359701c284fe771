using Microsoft.AspNetCore.Http;
using Streaming.Gateway.Hub;

namespace Streaming.Gateway.Identity;

/// <summary>The places of a token in a request.</summary>
internal static class PresentedToken
{
    /// <summary>The cookie of version 0.1, which all hosts of a machine shared; its guests get the cluster's own.</summary>
    public const string SharedCookie = "streaming";

    private const string Bearer = "Bearer ";

    /// <summary>
    /// The cookie of a cluster. A browser sends a cookie to every port of a host name, so several hosts on one machine need different
    /// names.
    /// </summary>
    public static string CookieOf(string keyRing) => $"{SharedCookie}-{keyRing}";

    /// <summary>
    /// The token of the <c>Authorization</c> header; else, for the hub only, of the query (a browser cannot set headers on a
    /// WebSocket); else of the cookie.
    /// </summary>
    /// <exception cref="KeysUnavailableException">The cookie's name is not known yet, and the cluster does not answer.</exception>
    public static async ValueTask<string?> ReadAsync(HttpRequest request, ClusterKeyRing keys)
    {
        string? header = request.Headers.Authorization;
        if (header is not null && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return header[Bearer.Length..].Trim();
        if (request.Path.StartsWithSegments(ChatHub.Path) && request.Query["access_token"] is [{ Length: > 0 } query])
            return query;
        if (request.Cookies.Count == 0)
            return null;
        string? ring = await keys.ReadIdAsync(request.HttpContext.RequestAborted);
        return (ring is null ? null : request.Cookies[CookieOf(ring)]) ?? request.Cookies[SharedCookie];
    }
}
