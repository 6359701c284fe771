using Microsoft.Extensions.Logging;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Workers;

/// <summary>
/// Which worker decodes for a conversation: the one that still has its tensors; else the least loaded of the cluster, this silo's
/// own first among equals. Workers that failed, were silent or are leaving are passed over while there are others.
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
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(1);

    /// <summary>How old what is known of the workers' loads may be.</summary>
    private static readonly TimeSpan LoadsAge = TimeSpan.FromSeconds(1);

    /// <summary>How long a worker that failed is passed over.</summary>
    private static readonly TimeSpan Avoidance = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, DateTimeOffset> _avoided = [];
    private Task<Dictionary<string, Load>>? _loads;
    private DateTimeOffset _loadsAt;

    /// <summary>The key of the worker to decode at.</summary>
    /// <param name="conversationId">The conversation.</param>
    /// <param name="places">Places that its slot needs, F + W.</param>
    /// <param name="last">The worker that decoded for it before.</param>
    public async Task<string> ChooseAsync(string conversationId, int places, string? last)
    {
        string[] candidates = Candidates(places);
        if (last is not null && candidates.Contains(last) && await AskAsync(last, conversationId) is { Holds: true, Leaves: false })
            return last;
        return await LeastLoadedAsync(candidates, _ => true) ?? candidates.FirstOrDefault(IsOwn) ?? OwnKeys()[0];
    }

    /// <summary>A worker with a free slot, other than the one where a conversation waits in line; null when there is none.</summary>
    public Task<string?> FindFreeAsync(int places, string waitsAt) =>
        LeastLoadedAsync([.. Candidates(places).Where(key => key != waitsAt)], load => load.Share < 1);

    /// <summary>Passes a worker over for a while: it failed, was silent, or leaves.</summary>
    public void Avoid(string key)
    {
        lock (_gate)
            _avoided[key] = time.GetUtcNow() + Avoidance;
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
            foreach (string over in _avoided.Where(a => a.Value <= now).Select(a => a.Key).ToList())
                _avoided.Remove(over);
            string[] sound = [.. all.Where(key => !_avoided.ContainsKey(key))];
            return sound.Length > 0 ? sound : all;
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
                loads[chosen].Taken++; // Those who choose before the next look see it.
            return chosen;
        }
    }

    /// <summary>The loads of all workers, asked for once in a while for everybody.</summary>
    private Task<Dictionary<string, Load>> LoadsAsync()
    {
        string[] all = Candidates(0);
        lock (_gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            if (_loads is null || _loads.IsFaulted || now - _loadsAt >= LoadsAge)
            {
                _loadsAt = now;
                // Not on the scheduler of the grain that happens to ask: others wait for it too, and it may leave.
                _loads = Task.Run(() => AskAllAsync(all));
            }
            return _loads;
        }
    }

    private async Task<Dictionary<string, Load>> AskAllAsync(string[] keys)
    {
        WorkerStatus?[] answers = await Task.WhenAll(keys.Select(key => AskAsync(key, null)));
        return keys.Zip(answers).Where(a => a.Second is { Leaves: false }).ToDictionary(a => a.First, a => new Load(a.Second!));
    }

    private async Task<WorkerStatus?> AskAsync(string key, string? conversationId)
    {
        try
        {
            return await grains.GetGrain<IWorkerGrain>(key).GetStatus(conversationId).WaitAsync(AnswerLimit, time);
        }
        catch (Exception e)
        {
            LogNoAnswer(key, e);
            Avoid(key);
            return null;
        }
    }

    private bool IsOwn(string key) => WorkerKey.TryParse(key, out SiloAddress? address, out _) && silo.SiloAddress.Equals(address);

    /// <summary>A worker's load at the last look, and what was sent there since.</summary>
    private sealed class Load(WorkerStatus status)
    {
        public int Taken { get; set; }

        /// <summary>Conversations for each slot: below 1 a slot is free.</summary>
        public double Share => (double)(status.Running + status.Waiting + Taken) / status.Slots;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The worker {Worker} does not say how busy it is; others are preferred for a while")]
    private partial void LogNoAnswer(string worker, Exception exception);
}
