using Streaming.Inference.Caching;
using Streaming.Storage.Log;

namespace Streaming.Grains.Persistence;

/// <summary>
/// The ids that a conversation's attention sees: its fixed part and its rolling window. The same ring as in the tensors
/// (<see cref="CacheLayout"/>), but of ids: in memory while the grain is active, and read back from the log.
/// </summary>
internal sealed class TokenWindow(CacheLayout layout)
{
    /// <summary>Ids by place, [F + W].</summary>
    private readonly int[] _places = new int[layout.Places];

    /// <summary>Tokens of the stream.</summary>
    public long Position { get; private set; }

    /// <summary>Reads the window at a position from the log.</summary>
    public static async Task<TokenWindow> ReadAsync(IConversationLog log, string id, int branch, long position, CacheLayout layout)
    {
        long end = Math.Min(layout.Fixed, position),
            start = Math.Max(end, position - layout.Window);
        int[][] ids = await Task.WhenAll(log.ReadIdsAsync(id, branch, 0, end), log.ReadIdsAsync(id, branch, start, position));
        if (ids[0].Length != end || ids[1].Length != position - start)
            throw new InvalidOperationException($"The log of conversation {id} does not hold all ids up to {position}, as its head says.");
        return Of(layout, position, ids[0], ids[1]);
    }

    /// <summary>The window at a position.</summary>
    /// <param name="layout">F and W.</param>
    /// <param name="position">Tokens of the stream.</param>
    /// <param name="fixedIds">As <see cref="FixedIds"/>.</param>
    /// <param name="windowIds">As <see cref="WindowIds"/>.</param>
    public static TokenWindow Of(CacheLayout layout, long position, int[] fixedIds, int[] windowIds)
    {
        var window = new TokenWindow(layout);
        window.Append(fixedIds);
        window.Position = position - windowIds.Length;
        window.Append(windowIds);
        return window;
    }

    /// <summary>Extends the stream.</summary>
    public void Append(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
            _places[layout.PlaceOf(Position++)] = id;
    }

    /// <summary>The ids at positions 0 to F-1, or fewer when the stream is shorter.</summary>
    public int[] FixedIds() => _places[..(int)Math.Min(layout.Fixed, Position)];

    /// <summary>The ids from a position to the end of the stream; null when the window begins later.</summary>
    public int[]? TailFrom(long position)
    {
        int[] ids = WindowIds();
        long skip = position - (Position - ids.Length);
        return skip < 0 ? null : ids[(int)skip..];
    }

    /// <summary>The ids in the rolling window, in the order of the stream.</summary>
    public int[] WindowIds()
    {
        long start = Math.Min(Position, Math.Max(layout.Fixed, Position - layout.Window));
        int[] ids = new int[Position - start];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = _places[layout.PlaceOf(start + i)];
        return ids;
    }
}
