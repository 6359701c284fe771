namespace Streaming.Training.Optimization;

/// <summary>Cosine decay to a share of the peak, multiplied by a linear warm-up.</summary>
/// <param name="Peak">The highest rate.</param>
/// <param name="WarmUp">The number of warm-up steps.</param>
/// <param name="Floor">The share of the peak that remains at the end.</param>
internal sealed record LearningRateSchedule(double Peak, int WarmUp, double Floor)
{
    /// <summary>The rate of a step.</summary>
    /// <param name="steps">The number of steps before it.</param>
    /// <param name="progress">The completed share of the training, from 0 to 1.</param>
    public double At(int steps, double progress)
    {
        double cosine = 0.5 + 0.5 * Math.Cos(Math.PI * Math.Clamp(progress, 0, 1));
        return Peak * Math.Min(1, (steps + 1.0) / WarmUp) * (Floor + (1 - Floor) * cosine);
    }
}
