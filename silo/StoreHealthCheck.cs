using Microsoft.Extensions.Diagnostics.HealthChecks;
using Streaming.Storage;

namespace Streaming.Silo;

/// <summary>Whether what is said can be stored; nothing is shown that was not.</summary>
internal sealed class StoreHealthCheck(IStoreHealth store) : IHealthCheck
{
    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await store.FindProblemAsync(cancellationToken) is { } problem
            ? HealthCheckResult.Unhealthy($"The store cannot be written: {problem}")
            : HealthCheckResult.Healthy("The store can be written.");
}
