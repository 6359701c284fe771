namespace Streaming.Inference.Checkpoints;

/// <summary>A scaling of RoPE's angles that extends a model's original context.</summary>
public abstract record RopeScaling
{
    private protected RopeScaling() { }

    /// <summary>Factor of cosines and sines, for queries and keys.</summary>
    public virtual double AttentionFactor => 1;

    /// <summary>The context length with scaling, tokens.</summary>
    /// <param name="stated">The file's <c>max_position_embeddings</c>.</param>
    internal virtual int ContextLength(int stated) => stated;

    /// <summary>Scales angles per position, in place.</summary>
    /// <param name="frequencies">theta^(-2i/D) for i = 0 to D/2 - 1.</param>
    /// <param name="theta">RoPE's base.</param>
    /// <param name="places">F + W of a conversation: its largest distance, in streams of any length.</param>
    internal abstract void Scale(Span<double> frequencies, double theta, int places);
}

/// <summary>Position interpolation (Chen et al. 2023): divides every position by a factor.</summary>
/// <param name="Factor">At least 1.</param>
public sealed record LinearRope(double Factor) : RopeScaling
{
    internal override int ContextLength(int stated) => (int)Math.Min(int.MaxValue, stated * Factor);

    internal override void Scale(Span<double> frequencies, double theta, int places)
    {
        foreach (ref double frequency in frequencies)
            frequency /= Factor;
    }
}

/// <summary>Llama 3.1's scaling: divides the frequency of long waves by the factor, keeps short waves, and blends those between.</summary>
/// <param name="Factor">At least 1.</param>
/// <param name="LowFactor">Waves longer than the original context by this are long.</param>
/// <param name="HighFactor">Waves shorter than the original context by this are short.</param>
/// <param name="OriginalContext">The context before scaling, tokens.</param>
public sealed record Llama3Rope(double Factor, double LowFactor, double HighFactor, int OriginalContext) : RopeScaling
{
    internal override void Scale(Span<double> frequencies, double theta, int places)
    {
        foreach (ref double frequency in frequencies)
        {
            double turns = OriginalContext * frequency / Math.Tau; // rotations within the original context
            double kept = Math.Clamp((turns - LowFactor) / (HighFactor - LowFactor), 0, 1);
            frequency = (1 - kept) * frequency / Factor + kept * frequency;
        }
    }
}

/// <summary>YaRN (Peng et al. 2023, section 3.2): a ramp over the components between interpolated and original angles.</summary>
/// <param name="Factor">At least 1.</param>
/// <param name="OriginalContext">The context before scaling, tokens.</param>
/// <param name="BetaFast">Components with more rotations within the original context keep their angles.</param>
/// <param name="BetaSlow">Components with fewer rotations are fully interpolated.</param>
/// <param name="Attention">The attention factor.</param>
public sealed record YarnRope(double Factor, int OriginalContext, double BetaFast, double BetaSlow, double Attention) : RopeScaling
{
    /// <inheritdoc/>
    public override double AttentionFactor => Attention;

    /// <summary>0.1 · scale · ln(factor) + 1, the paper's equation 22 with Hugging Face's <c>mscale</c>.</summary>
    internal static double AttentionScale(double factor, double scale) => factor <= 1 ? 1 : 0.1 * scale * Math.Log(factor) + 1;

    internal override int ContextLength(int stated) => (int)Math.Clamp(OriginalContext * Factor, stated, int.MaxValue);

    internal override void Scale(Span<double> frequencies, double theta, int places)
    {
        int headDim = 2 * frequencies.Length;
        double low = Math.Max(0, Math.Floor(ComponentWith(BetaFast, headDim, theta)));
        double high = Math.Min(headDim - 1, Math.Ceiling(ComponentWith(BetaSlow, headDim, theta)));
        double width = Math.Max(high - low, 0.001);
        for (int i = 0; i < frequencies.Length; i++)
        {
            double interpolated = Math.Clamp((i - low) / width, 0, 1);
            frequencies[i] = frequencies[i] / Factor * interpolated + frequencies[i] * (1 - interpolated);
        }
    }

    /// <summary>The pair of components with so many rotations within the original context.</summary>
    private double ComponentWith(double turns, int headDim, double theta) =>
        headDim * Math.Log(OriginalContext / (turns * Math.Tau)) / (2 * Math.Log(theta));
}

/// <summary>
/// LongRoPE (Ding et al. 2024), as in Phi-3: a factor per pair of components, in one list for conversations whose places fit the original
/// context and another for longer ones. A conversation's F + W selects the list, never its stream's length, because keys are rotated only
/// once, and never the device's capacity, which differs from host to host.
/// </summary>
/// <param name="Short">Divisors for conversations of places up to the original context, [head_dim / 2].</param>
/// <param name="Long">Divisors for conversations of more places, [head_dim / 2].</param>
/// <param name="OriginalContext">The context before scaling, tokens.</param>
/// <param name="Attention">The attention factor for both lists.</param>
public sealed record LongRope(IReadOnlyList<double> Short, IReadOnlyList<double> Long, int OriginalContext, double Attention) : RopeScaling
{
    /// <inheritdoc/>
    public override double AttentionFactor => Attention;

    internal override void Scale(Span<double> frequencies, double theta, int places)
    {
        IReadOnlyList<double> factors = places > OriginalContext ? Long : Short;
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] /= factors[i];
    }
}
