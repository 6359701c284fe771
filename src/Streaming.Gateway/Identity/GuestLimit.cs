using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Streaming.Gateway.Identity;

/// <summary>New guests by address and minute. Somebody whose token can be renewed is no new guest and is not counted.</summary>
internal sealed class GuestLimit(IOptions<GuestOptions> options) : IDisposable
{
    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(address =>
        RateLimitPartition.GetFixedWindowLimiter(
            address,
            _ => new FixedWindowRateLimiterOptions { PermitLimit = options.Value.GuestsPerMinute, Window = TimeSpan.FromMinutes(1) }
        )
    );

    /// <summary>Counts a new guest; false when the address has had its guests for this minute.</summary>
    public bool TryAdmit(IPAddress? address)
    {
        using RateLimitLease lease = _limiter.AttemptAcquire(
            (address is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : address)?.ToString() ?? ""
        );
        return lease.IsAcquired;
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter.Dispose();
}
