using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Streaming.Hosting.Health;
using Streaming.Hosting.Http;

namespace Streaming.Hosting.Safety;

/// <summary>
/// Refuses requests that name another host, except probes of health, and requests from pages of other origins. Without it any web
/// page could call a server on localhost, from its own origin or by a host name that resolves to this machine.
/// </summary>
internal sealed class HostAndOrigin(RequestDelegate next, IOptions<AccessOptions> options)
{
    private static readonly string[] ThisMachine = ["localhost", "127.0.0.1", "[::1]"];

    private readonly HashSet<string> _hosts = new([.. ThisMachine, .. options.Value.AllowedHosts], StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _origins = new(options.Value.AllowedOrigins, StringComparer.OrdinalIgnoreCase);

    /// <summary>Passes a request on, or refuses it.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (!_hosts.Contains(context.Request.Host.Host) && !HealthRoutes.IsProbe(context.Request))
            return ErrorResponse.WriteAsync(
                context,
                StatusCodes.Status400BadRequest,
                $"This server does not answer for the host '{context.Request.Host.Host}': use localhost, or "
                    + "allow it with Streaming:AllowedHosts."
            );

        // Several Origin headers arrive as one string with commas, which matches no origin.
        string? origin = context.Request.Headers.Origin;
        return origin is null || IsOwn(origin, context.Request.Host) || _origins.Contains(origin)
            ? next(context)
            : ErrorResponse.WriteAsync(
                context,
                StatusCodes.Status403Forbidden,
                $"Pages from '{origin}' may not talk to this server: allow them with Streaming:AllowedOrigins."
            );
    }

    /// <summary>Whether an origin has the request's host and port; its scheme may differ behind a proxy.</summary>
    private static bool IsOwn(string origin, HostString host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
        && uri.Scheme is "http" or "https"
        && string.Equals(uri.Authority, Authority(uri.Scheme, host), StringComparison.OrdinalIgnoreCase);

    /// <summary>Host and port, without the scheme's default port.</summary>
    private static string Authority(string scheme, HostString host) =>
        host.Port == (scheme == "https" ? 443 : 80) ? host.Host : host.Value ?? "";
}
