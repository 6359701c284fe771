using Microsoft.Extensions.Diagnostics.HealthChecks;
using Streaming.Storage;

namespace Streaming.Silo;

/// <summary>Whether the store can be written; without it no message is accepted and no token shown.</summary>
internal sealed class StoreHealthCheck(IStoreHealth store) : IHealthCheck
{
    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await store.FindProblemAsync(cancellationToken) is { } problem
            ? HealthCheckResult.Unhealthy($"The store cannot be written: {problem}")
            : HealthCheckResult.Healthy("The store can be written.");
}
