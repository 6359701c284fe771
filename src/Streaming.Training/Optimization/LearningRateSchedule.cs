namespace Streaming.Training.Optimization;

/// <summary>Up in a straight line while it warms up, then down along half a cosine to a share of the peak.</summary>
/// <param name="Peak">The highest rate.</param>
/// <param name="WarmUp">Steps until then.</param>
/// <param name="Floor">The share of the peak that is left at the end.</param>
internal sealed record LearningRateSchedule(double Peak, int WarmUp, double Floor)
{
    /// <summary>The rate of a step.</summary>
    /// <param name="steps">Steps before it.</param>
    /// <param name="progress">How much of the training is over, from 0 to 1.</param>
    public double At(int steps, double progress)
    {
        double cosine = 0.5 + 0.5 * Math.Cos(Math.PI * Math.Clamp(progress, 0, 1));
        return Peak * Math.Min(1, (steps + 1.0) / WarmUp) * (Floor + (1 - Floor) * cosine);
    }
}
