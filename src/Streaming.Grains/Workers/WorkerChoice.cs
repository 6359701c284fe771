using Microsoft.Extensions.Logging;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Workers;

/// <summary>
/// Chooses the worker that decodes for a conversation: the one that still holds its tensors, else the least loaded one of the
/// cluster, with preference for this silo's. Workers that failed, fell silent or are draining are avoided while there are others.
/// </summary>
internal sealed partial class WorkerChoice(
    ConversationModel model,
    ILocalSiloDetails silo,
    ISiloStatusOracle membership,
    ISiloMetadataCache metadata,
    IGrainFactory grains,
    TimeProvider time,
    ILogger<WorkerChoice> logger
)
{
    private static readonly TimeSpan StatusTimeout = TimeSpan.FromSeconds(1);

    /// <summary>How long the loads of all workers are reused.</summary>
    private static readonly TimeSpan LoadsLifetime = TimeSpan.FromSeconds(1);

    /// <summary>How long a worker that failed is avoided.</summary>
    private static readonly TimeSpan AvoidanceTime = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, DateTimeOffset> _avoided = [];
    private Task<Dictionary<string, Load>>? _loads;
    private DateTimeOffset _loadsAt;

    /// <summary>The key of the worker to use.</summary>
    /// <param name="conversationId">The conversation.</param>
    /// <param name="places">Places that its slot needs, F + W.</param>
    /// <param name="last">The worker that decoded for it before.</param>
    public async Task<string> ChooseAsync(string conversationId, int places, string? last)
    {
        string[] candidates = Candidates(places);
        if (
            last is not null
            && candidates.Contains(last)
            && await AskAsync(last, conversationId) is { HoldsConversation: true, IsUnavailable: false }
        )
            return last;
        return await LeastLoadedAsync(candidates, _ => true) ?? candidates.FirstOrDefault(IsOwn) ?? OwnKeys()[0];
    }

    /// <summary>A worker with a free slot, other than the one in whose queue a conversation waits; null when there is none.</summary>
    public Task<string?> FindFreeAsync(int places, string queuedAt) =>
        LeastLoadedAsync([.. Candidates(places).Where(key => key != queuedAt)], load => load.Share < 1);

    /// <summary>Avoids a worker for a while: it failed, fell silent or is draining.</summary>
    public void Avoid(string key)
    {
        lock (_gate)
            _avoided[key] = time.GetUtcNow() + AvoidanceTime;
    }

    /// <summary>The workers of this silo's devices.</summary>
    public string[] OwnKeys() => KeysOf(silo.SiloAddress, SiloDevices.Of(model), 0);

    private string[] Candidates(int places)
    {
        string[] all =
        [
            .. membership
                .GetActiveSilos()
                .SelectMany(address =>
                    address.Equals(silo.SiloAddress)
                        ? OwnKeys()
                        : KeysOf(address, SiloDevices.Read(metadata.GetSiloMetadata(address)), places)
                ),
        ];
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            foreach (string expired in _avoided.Where(a => a.Value <= now).Select(a => a.Key).ToList())
                _avoided.Remove(expired);
            string[] usable = [.. all.Where(key => !_avoided.ContainsKey(key))];
            return usable.Length > 0 ? usable : all;
        }
    }

    private string[] KeysOf(SiloAddress address, SiloDevices? devices, int places) =>
        devices is not null && devices.Checkpoint == model.Fingerprint && devices.Capacity >= places
            ? [.. devices.Devices.Select(device => WorkerKey.Of(address, device))]
            : [];

    private async Task<string?> LeastLoadedAsync(string[] candidates, Func<Load, bool> fits)
    {
        Dictionary<string, Load> loads = await LoadsAsync();
        lock (_gate)
        {
            string? chosen = candidates
                .Where(key => loads.TryGetValue(key, out Load? load) && fits(load))
                .OrderBy(key => loads[key].Share)
                .ThenByDescending(IsOwn)
                .ThenBy(key => key, StringComparer.Ordinal)
                .FirstOrDefault();
            if (chosen is not null)
                loads[chosen].Assigned++; // Choices before the next request for loads count it.
            return chosen;
        }
    }

    /// <summary>The loads of all workers; one request serves all conversations of the silo for a while.</summary>
    private Task<Dictionary<string, Load>> LoadsAsync()
    {
        string[] all = Candidates(0);
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            if (_loads is null || _loads.IsFaulted || now - _loadsAt >= LoadsLifetime)
            {
                _loadsAt = now;
                // Not on the scheduler of the calling grain: others await this task too, and that grain may deactivate.
                _loads = Task.Run(() => AskAllAsync(all));
            }
            return _loads;
        }
    }

    private async Task<Dictionary<string, Load>> AskAllAsync(string[] keys)
    {
        WorkerStatus?[] answers = await Task.WhenAll(keys.Select(key => AskAsync(key, null)));
        return keys.Zip(answers).Where(a => a.Second is { IsUnavailable: false }).ToDictionary(a => a.First, a => new Load(a.Second!));
    }

    private async Task<WorkerStatus?> AskAsync(string key, string? conversationId)
    {
        try
        {
            return await grains.GetGrain<IWorkerGrain>(key).GetStatus(conversationId).WaitAsync(StatusTimeout, time);
        }
        catch (Exception e)
        {
            LogNoAnswer(key, e);
            Avoid(key);
            return null;
        }
    }

    private bool IsOwn(string key) => WorkerKey.TryParse(key, out SiloAddress? address, out _) && silo.SiloAddress.Equals(address);

    /// <summary>A worker's last known load, and the conversations assigned to it since.</summary>
    private sealed class Load(WorkerStatus status)
    {
        public int Assigned { get; set; }

        /// <summary>Conversations per slot: below 1 a slot is free.</summary>
        public double Share => (double)(status.Running + status.Waiting + Assigned) / status.Slots;
    }

    [LoggerMessage(LogLevel.Warning, "The worker {Worker} does not answer; others are preferred for a while.")]
    private partial void LogNoAnswer(string worker, Exception exception);
}
