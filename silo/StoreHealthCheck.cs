using Microsoft.Extensions.Diagnostics.HealthChecks;
using Streaming.Storage;

namespace Streaming.Silo;

/// <summary>
/// Whether the store can be written; without it no message is accepted and no token shown. It is tried by a write, at most one a
/// second however many ask.
/// </summary>
internal sealed class StoreHealthCheck(IStoreHealth store, TimeProvider time) : IHealthCheck, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _trying = new(1);
    private (long At, string? Problem)? _last;

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        await _trying.WaitAsync(cancellationToken);
        try
        {
            if (_last is not { } last || time.GetElapsedTime(last.At) >= Interval)
                _last = last = (time.GetTimestamp(), await store.FindProblemAsync(cancellationToken));
            return last.Problem is null
                ? HealthCheckResult.Healthy("The store can be written.")
                : HealthCheckResult.Unhealthy($"The store cannot be written: {last.Problem}");
        }
        finally
        {
            _trying.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _trying.Dispose();
}
