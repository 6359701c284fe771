using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Streaming.Contracts.Identity;

namespace Streaming.Gateway.Identity;

/// <summary>
/// Data Protection's keys, stored by the cluster, so that every gateway accepts the tokens of every other. Data Protection reads
/// them synchronously: await <see cref="EnsureReadAsync"/> first, so that no thread blocks while the cluster does not answer.
/// </summary>
internal sealed class ClusterKeyRing(IGrainFactory grains, TimeProvider time) : IXmlRepository
{
    /// <summary>The ring's name.</summary>
    public const string Key = "gateway";

    private const int IdBytes = 6;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private volatile bool _isRead;
    private volatile string? _id;
    private volatile int _knownElements; // elements that Data Protection has read
    private Prefetched? _prefetched;

    private IKeyRingGrain Grain => grains.GetGrain<IKeyRingGrain>(Key);

    /// <summary>Reads the keys for the first time; after a success it returns at once, after a failure it tries again.</summary>
    /// <exception cref="KeysUnavailableException">The cluster does not answer.</exception>
    public async ValueTask EnsureReadAsync(CancellationToken cancellation)
    {
        if (_isRead)
            return;
        try
        {
            _prefetched = new Prefetched(await ReadAsync(cancellation), time.GetTimestamp());
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            throw new KeysUnavailableException(exception);
        }
        _isRead = true;
    }

    /// <summary>
    /// What distinguishes this ring from those of other clusters, 12 hexadecimal digits: a digest of the first element, which stays the
    /// first for ever, also in a store that was moved. Null while the ring is empty.
    /// </summary>
    /// <exception cref="KeysUnavailableException">It is not known yet, and the cluster does not answer.</exception>
    public async ValueTask<string?> ReadIdAsync(CancellationToken cancellation)
    {
        await EnsureReadAsync(cancellation);
        if (_id is not null)
            return _id;
        try
        {
            await ReadAsync(cancellation); // Another gateway may have stored the first key.
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            throw new KeysUnavailableException(exception);
        }
        return _id;
    }

    /// <summary>Reads all elements from the cluster.</summary>
    public async Task<IReadOnlyList<string>> ReadAsync(CancellationToken cancellation)
    {
        IReadOnlyList<string> elements = await Grain.Read().WaitAsync(Timeout, time, cancellation);
        if (elements.Count > 0)
            _id ??= Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(elements[0])).AsSpan(0, IdBytes));
        return elements;
    }

    /// <inheritdoc />
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        IReadOnlyList<string> elements =
            Interlocked.Exchange(ref _prefetched, null) is { } prefetched && time.GetElapsedTime(prefetched.At) < Timeout
                ? prefetched.Elements
                : Wait(() => ReadAsync(CancellationToken.None));
        _knownElements = elements.Count;
        return [.. elements.Select(element => XElement.Parse(element))];
    }

    /// <summary>
    /// Stores a new key, unless another gateway has just stored one: Data Protection reads the ring again afterwards and uses that
    /// key. Otherwise two gateways that start together would each sign with their own key, which the other one learns a day later.
    /// </summary>
    public void StoreElement(XElement element, string friendlyName) =>
        Wait(async () =>
        {
            if ((await ReadAsync(CancellationToken.None)).Count > _knownElements)
                return false;
            await Grain.Add(element.ToString(SaveOptions.DisableFormatting)).WaitAsync(Timeout, time);
            return true;
        });

    /// <summary>
    /// What <see cref="EnsureReadAsync"/> has read, for Data Protection's first read: another call could find the cluster unreachable.
    /// </summary>
    private sealed record Prefetched(IReadOnlyList<string> Elements, long At);

    private static T Wait<T>(Func<Task<T>> call) => Task.Run(call).GetAwaiter().GetResult();
}

/// <summary>The signing keys cannot be read now, so nobody can be authenticated.</summary>
internal sealed class KeysUnavailableException(Exception inner)
    : Exception("The keys that sign tokens cannot be read: the cluster does not answer.", inner);
