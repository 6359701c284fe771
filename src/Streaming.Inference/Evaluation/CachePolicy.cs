using Streaming.Inference.Caching;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// What a query may attend to, as in the paper's comparison (Xiao et al. 2023, figure 1). With S sinks and a window of W, all
/// but <see cref="Dense"/> see the same number of tokens: S + W.
/// </summary>
public enum CachePolicy
{
    /// <summary>Everything since the beginning: the cache grows by one token a token.</summary>
    Dense,

    /// <summary>A rolling cache of the last S + W tokens, without sinks.</summary>
    Window,

    /// <summary>The start token and the last S + W - 1 tokens, computed afresh for each token from an empty cache.</summary>
    Recompute,

    /// <summary>S sinks and a rolling window of W: the sink cache.</summary>
    Streaming,
}

/// <summary>What a <see cref="CachePolicy"/> is called, and what it makes of sinks and window.</summary>
public static class CachePolicies
{
    /// <summary>The policy that a person names: dense, window, recompute or streaming.</summary>
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

    /// <summary>How a slot is used under a policy.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="asked">S and W.</param>
    /// <param name="length">Tokens that a stream may come to; what dense attention needs places for.</param>
    internal static CacheLayout LayoutOf(CachePolicy policy, CacheLayout asked, int length) =>
        policy switch
        {
            CachePolicy.Streaming => asked,
            CachePolicy.Dense => new CacheLayout(0, length),
            _ => new CacheLayout(0, asked.Places),
        };
}
