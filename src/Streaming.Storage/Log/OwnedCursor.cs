using System.Globalization;

namespace Streaming.Storage.Log;

/// <summary>A cursor into an owner's list, as <c>TICKS.ID</c>: the time at which the last entry read was active, and its id.</summary>
internal readonly record struct OwnedCursor(long ActiveAt, string Id)
{
    /// <summary>Reads a page's <c>Next</c>.</summary>
    /// <exception cref="ArgumentException">The text is not a cursor.</exception>
    public static OwnedCursor Parse(string text)
    {
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && long.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out long activeAt))
            return new OwnedCursor(activeAt, text[(dot + 1)..]);
        throw new ArgumentException("'after' is not a cursor of this list: pass the 'next' of an earlier page.");
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ActiveAt}.{Id}");
}
