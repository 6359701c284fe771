namespace Streaming.Inference.Tokenizing.Patterns;

/// <summary>An immutable set of Unicode code points, stored as the borders between inside and outside.</summary>
internal sealed class CodePointSet : IEquatable<CodePointSet>
{
    private const int End = 0x110000;
    private readonly int[] _borders; // ascending; from an even index on inside, from an odd one on outside

    private CodePointSet(int[] borders) => _borders = borders;

    /// <summary>No code point.</summary>
    public static readonly CodePointSet Empty = new([]);

    /// <summary>All code points.</summary>
    public static readonly CodePointSet All = new([0, End]);

    /// <summary>The code points from <paramref name="first"/> to <paramref name="last"/>.</summary>
    public static CodePointSet Range(int first, int last) => new([first, last + 1]);

    /// <summary>One code point.</summary>
    public static CodePointSet Of(int codePoint) => Range(codePoint, codePoint);

    /// <summary>The code points of some characters of the basic plane.</summary>
    public static CodePointSet Of(string characters) => characters.Aggregate(Empty, (set, c) => set.Union(Of(c)));

    /// <summary>All code points by a key of each.</summary>
    public static Dictionary<T, CodePointSet> Partition<T>(Func<int, T> key)
        where T : notnull
    {
        var borders = new Dictionary<T, List<int>>();
        int start = 0;
        for (int c = 1; c <= End; c++)
        {
            if (c < End && key(c).Equals(key(start)))
                continue;
            if (!borders.TryGetValue(key(start), out List<int>? own))
                borders[key(start)] = own = [];
            own.AddRange([start, c]);
            start = c;
        }
        return borders.ToDictionary(b => b.Key, b => new CodePointSet([.. b.Value]));
    }

    /// <summary>Whether nothing is inside.</summary>
    public bool IsEmpty => _borders.Length == 0;

    /// <summary>The borders: code points at which inside begins (even index) or ends (odd index).</summary>
    public IReadOnlyList<int> Borders => _borders;

    /// <summary>Whether a code point is inside.</summary>
    public bool Contains(int codePoint)
    {
        int at = Array.BinarySearch(_borders, codePoint);
        return (at >= 0 ? at : ~at - 1) % 2 == 0;
    }

    /// <summary>What is in this set or in the other.</summary>
    public CodePointSet Union(CodePointSet other) => Combine(other, static (a, b) => a || b);

    /// <summary>What is in both sets.</summary>
    public CodePointSet Intersect(CodePointSet other) => Combine(other, static (a, b) => a && b);

    /// <summary>What is in this set and not in the other.</summary>
    public CodePointSet Except(CodePointSet other) => Combine(other, static (a, b) => a && !b);

    /// <summary>What is not in this set.</summary>
    public CodePointSet Complement() => All.Except(this);

    /// <inheritdoc/>
    public bool Equals(CodePointSet? other) => other is not null && _borders.AsSpan().SequenceEqual(other._borders);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CodePointSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int border in _borders)
            hash.Add(border);
        return hash.ToHashCode();
    }

    private CodePointSet Combine(CodePointSet other, Func<bool, bool, bool> rule)
    {
        var borders = new List<int>();
        int i = 0,
            j = 0;
        bool inside = false;
        while (i < _borders.Length || j < other._borders.Length)
        {
            int left = i < _borders.Length ? _borders[i] : int.MaxValue,
                right = j < other._borders.Length ? other._borders[j] : int.MaxValue,
                next = Math.Min(left, right);
            i += left == next ? 1 : 0;
            j += right == next ? 1 : 0;
            if (rule(i % 2 == 1, j % 2 == 1) == inside)
                continue;
            borders.Add(next);
            inside = !inside;
        }
        return new CodePointSet([.. borders]);
    }
}
