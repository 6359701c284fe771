using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Streaming.Gateway.Hub;

namespace Streaming.Gateway.Health;

/// <summary>Whether the process runs, and whether it can serve. Hosts add checks of their own with the tag <c>ready</c>.</summary>
internal static class HealthRoutes
{
    /// <summary>The tag of checks that decide whether the process can serve.</summary>
    public const string ReadyTag = "ready";

    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks(GatewayPaths.Live, new HealthCheckOptions { Predicate = _ => false, ResponseWriter = WriteAsync });
        endpoints.MapHealthChecks(
            GatewayPaths.Ready,
            new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadyTag), ResponseWriter = WriteAsync }
        );
    }

    private static Task WriteAsync(HttpContext context, HealthReport report) =>
        context.Response.WriteAsJsonAsync(
            new Answer(
                report.Status.ToString().ToLowerInvariant(),
                report.Entries.Count == 0 ? null : report.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Description)
            ),
            HubJson.Options
        );

    private sealed record Answer(string Status, IReadOnlyDictionary<string, string?>? Checks);
}
