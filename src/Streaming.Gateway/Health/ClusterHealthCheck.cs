using Microsoft.Extensions.Diagnostics.HealthChecks;
using Streaming.Gateway.Identity;

namespace Streaming.Gateway.Health;

/// <summary>Whether the cluster answers. It asks for the signing keys, without which the gateway cannot authenticate anybody.</summary>
internal sealed class ClusterHealthCheck(ClusterKeyRing keys) : IHealthCheck
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <inheritdoc />
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await keys.ReadAsync(cancellationToken).WaitAsync(Timeout, cancellationToken);
            return HealthCheckResult.Healthy("The cluster answers.");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("The cluster does not answer.", exception);
        }
    }
}
