using Streaming.Inference.Caching;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// The tokens that a query attends to, as in the paper's comparison (Xiao et al. 2023, figure 1). With S sinks and a window of W, all
/// policies except <see cref="Dense"/> see S + W tokens.
/// </summary>
public enum CachePolicy
{
    /// <summary>All earlier tokens; the cache grows with every token.</summary>
    Dense,

    /// <summary>A rolling cache of the last S + W tokens, without sinks.</summary>
    Window,

    /// <summary>The start token and the last S + W - 1 tokens, recomputed from an empty cache for each token.</summary>
    Recompute,

    /// <summary>The sink cache: S sinks and a rolling window of W.</summary>
    Streaming,
}

/// <summary>Names and layouts of <see cref="CachePolicy"/>.</summary>
public static class CachePolicies
{
    /// <summary>Parses a policy's name: dense, window, recompute or streaming.</summary>
    public static bool TryParse(string? name, out CachePolicy policy)
    {
        (policy, bool known) = name switch
        {
            "dense" => (CachePolicy.Dense, true),
            "window" => (CachePolicy.Window, true),
            "recompute" => (CachePolicy.Recompute, true),
            "streaming" => (CachePolicy.Streaming, true),
            _ => (CachePolicy.Dense, false),
        };
        return known;
    }

    /// <summary>The policy's name.</summary>
    public static string NameOf(CachePolicy policy) =>
        policy switch
        {
            CachePolicy.Dense => "dense",
            CachePolicy.Window => "window",
            CachePolicy.Recompute => "recompute",
            CachePolicy.Streaming => "streaming",
            _ => throw new ArgumentOutOfRangeException(nameof(policy), policy, "It is none of the four policies."),
        };

    /// <summary>The layout of a slot under a policy.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="asked">S and W.</param>
    /// <param name="length">Maximum tokens of a stream, which dense attention needs places for.</param>
    internal static CacheLayout LayoutOf(CachePolicy policy, CacheLayout asked, int length) =>
        policy switch
        {
            CachePolicy.Streaming => asked,
            CachePolicy.Dense => new CacheLayout(0, length),
            _ => new CacheLayout(0, asked.Places),
        };
}
