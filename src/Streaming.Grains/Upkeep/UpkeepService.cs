using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Streaming.Grains.Upkeep;

/// <summary>Asks for a sweep when this silo starts, at intervals, and as soon as another silo is declared dead.</summary>
internal sealed partial class UpkeepService(
    ISiloStatusOracle membership,
    IGrainFactory grains,
    IHostApplicationLifetime lifetime,
    IOptions<ConversationOptions> options,
    TimeProvider time,
    ILogger<UpkeepService> logger
) : BackgroundService, ISiloStatusListener
{
    /// <summary>At most one wish waits: a sweep serves all.</summary>
    private readonly Channel<bool> _wishes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <inheritdoc/>
    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status == SiloStatus.Dead)
            _wishes.Writer.TryWrite(true);
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
            using ITimer timer = time.CreateTimer(_ => _wishes.Writer.TryWrite(true), null, TimeSpan.Zero, options.Value.SweepInterval);
            while (true)
            {
                await _wishes.Reader.ReadAsync(stoppingToken);
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
            await grains.GetGrain<IUpkeepGrain>(IUpkeepGrain.Key).Sweep().WaitAsync(stopping);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            LogNotSwept(e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The sweep did not end; it is asked for again at the next interval")]
    private partial void LogNotSwept(Exception exception);
}
