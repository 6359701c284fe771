using System.Globalization;

namespace Streaming.Storage.Log;

/// <summary>The place after an entry of an owner's list, as <c>TICKS.ID</c>: when it was active, and which it is.</summary>
internal readonly record struct OwnedCursor(long ActiveAt, string Id)
{
    /// <summary>Reads a page's <c>Next</c>.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static OwnedCursor Parse(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && long.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var activeAt))
            return new OwnedCursor(activeAt, text[(dot + 1)..]);
        throw new ArgumentException("The place in the list of conversations is not one that a page named as its next.");
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ActiveAt}.{Id}");
}
