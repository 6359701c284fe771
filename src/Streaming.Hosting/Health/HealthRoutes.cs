using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Streaming.Hosting.Http;

namespace Streaming.Hosting.Health;

/// <summary><c>/health/live</c>: the process runs. <c>/health/ready</c>: every check tagged <see cref="ReadyTag"/> passes.</summary>
public static class HealthRoutes
{
    /// <summary>The tag of checks that decide whether the process can serve.</summary>
    public const string ReadyTag = "ready";

    internal const string Live = "/health/live";

    internal const string Ready = "/health/ready";

    internal static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        Map(endpoints, Live, _ => false);
        Map(endpoints, Ready, check => check.Tags.Contains(ReadyTag));
    }

    /// <summary>
    /// Whether a request asks for health. Such a request may name any host: a cluster's probes name an address that nobody can know
    /// beforehand, or, in HTTP/1.0, none.
    /// </summary>
    internal static bool IsProbe(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && request.Path.Value is Live or Ready;

    private static void Map(IEndpointRouteBuilder endpoints, string path, Func<HealthCheckRegistration, bool> isIncluded) =>
        endpoints
            .MapHealthChecks(path, new HealthCheckOptions { Predicate = isIncluded, ResponseWriter = WriteAsync })
            .WithMetadata(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]));

    private static Task WriteAsync(HttpContext context, HealthReport report) =>
        context.Response.WriteAsJsonAsync(
            new Body(
                report.Status.ToString().ToLowerInvariant(),
                report.Entries.Count == 0 ? null : report.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Description)
            ),
            WireJson.Options
        );

    private sealed record Body(string Status, IReadOnlyDictionary<string, string?>? Checks);
}
