using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Streaming.Grains.Maintenance;

/// <summary>Asks for a recovery sweep when this silo starts, at intervals, and as soon as another silo is declared dead.</summary>
internal sealed partial class MaintenanceService(
    ISiloStatusOracle membership,
    IGrainFactory grains,
    IHostApplicationLifetime lifetime,
    IOptions<ConversationOptions> options,
    TimeProvider time,
    ILogger<MaintenanceService> logger
) : BackgroundService, ISiloStatusListener
{
    /// <summary>At most one request waits: one sweep serves all.</summary>
    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <inheritdoc/>
    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status == SiloStatus.Dead)
            _requests.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        using CancellationTokenRegistration registration = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        membership.SubscribeToSiloStatusEvents(this);
        try
        {
            await started.Task.WaitAsync(stoppingToken);
            using ITimer timer = time.CreateTimer(_ => _requests.Writer.TryWrite(true), null, TimeSpan.Zero, options.Value.SweepInterval);
            while (true)
            {
                await _requests.Reader.ReadAsync(stoppingToken);
                await SweepAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
        finally
        {
            membership.UnSubscribeFromSiloStatusEvents(this);
        }
    }

    private async Task SweepAsync(CancellationToken stopping)
    {
        try
        {
            await grains.GetGrain<IMaintenanceGrain>(IMaintenanceGrain.Key).Sweep().WaitAsync(stopping);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            LogNotSwept(e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The recovery sweep failed; the next interval asks for it again.")]
    private partial void LogNotSwept(Exception exception);
}
