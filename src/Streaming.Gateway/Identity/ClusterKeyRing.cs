using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Streaming.Contracts.Identity;

namespace Streaming.Gateway.Identity;

/// <summary>
/// Data Protection's keys, kept by the cluster, so that every gateway takes every other's tokens. Data Protection asks for them
/// on the calling thread: await <see cref="ReachAsync"/> first, so that no thread waits for a cluster that is away.
/// </summary>
internal sealed class ClusterKeyRing(IGrainFactory grains, TimeProvider time) : IXmlRepository
{
    /// <summary>The ring's name.</summary>
    public const string Key = "gateway";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private volatile bool _reached;
    private volatile int _known; // elements that Data Protection knows
    private Ahead? _ahead;

    private IKeyRingGrain Grain => grains.GetGrain<IKeyRingGrain>(Key);

    /// <summary>Waits until the keys can be had; once they could, it returns at once. Failures are not remembered.</summary>
    /// <exception cref="KeysUnavailableException">The cluster does not answer.</exception>
    public async ValueTask ReachAsync(CancellationToken cancellation)
    {
        if (_reached)
            return;
        try
        {
            _ahead = new Ahead(await ReadAsync(cancellation), time.GetTimestamp());
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            throw new KeysUnavailableException(exception);
        }
        _reached = true;
    }

    /// <summary>All elements, from the cluster.</summary>
    public Task<IReadOnlyList<string>> ReadAsync(CancellationToken cancellation) => Grain.Read().WaitAsync(Timeout, time, cancellation);

    /// <inheritdoc />
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        IReadOnlyList<string> elements =
            Interlocked.Exchange(ref _ahead, null) is { } ahead && time.GetElapsedTime(ahead.At) < Timeout
                ? ahead.Elements
                : Wait(() => ReadAsync(CancellationToken.None));
        _known = elements.Count;
        return [.. elements.Select(element => XElement.Parse(element))];
    }

    /// <summary>
    /// Stores a new key, unless another gateway has just stored one: Data Protection reads the ring again afterwards and then
    /// takes that one. Otherwise two gateways that start together would each sign with a key that the other one learns
    /// only a day later.
    /// </summary>
    public void StoreElement(XElement element, string friendlyName) =>
        Wait(async () =>
        {
            if ((await ReadAsync(CancellationToken.None)).Count > _known)
                return false;
            await Grain.Add(element.ToString(SaveOptions.DisableFormatting)).WaitAsync(Timeout, time);
            return true;
        });

    /// <summary>What <see cref="ReachAsync"/> has just read, for Data Protection's first question: a second one might meet a cluster that is away again.</summary>
    private sealed record Ahead(IReadOnlyList<string> Elements, long At);

    private static T Wait<T>(Func<Task<T>> call) => Task.Run(call).GetAwaiter().GetResult();
}

/// <summary>The keys that tokens are checked with cannot be had now, so nobody can be told from anybody.</summary>
internal sealed class KeysUnavailableException(Exception inner)
    : Exception("The keys that tokens are checked with cannot be had: the cluster does not answer.", inner);
