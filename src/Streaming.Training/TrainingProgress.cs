using System.Globalization;

namespace Streaming.Training;

/// <summary>The result of a training step.</summary>
/// <param name="Step">The step's number, from 1.</param>
/// <param name="Tokens">Training tokens so far.</param>
/// <param name="Loss">The loss, nats for each target that counts.</param>
/// <param name="Rate">The learning rate.</param>
/// <param name="Norm">The gradients' global norm before clipping.</param>
public readonly record struct StepResult(int Step, long Tokens, double Loss, double Rate, double Norm);

/// <summary>Receives the progress of a training.</summary>
public interface ITrainingProgress
{
    /// <summary>Called after each step.</summary>
    void StepCompleted(StepResult step);

    /// <summary>Receives a line of text about the progress.</summary>
    void Log(string line);
}

/// <summary>Why a training ended.</summary>
public enum TrainingOutcome
{
    /// <summary>All requested tokens are processed.</summary>
    Complete,

    /// <summary>The held-out loss stopped improving.</summary>
    EarlyStopped,

    /// <summary>The run was cancelled or reached its number of steps; the training can be resumed.</summary>
    Paused,
}

/// <summary>Formats durations.</summary>
internal static class Durations
{
    /// <summary>A duration such as 2 h 05 min or 3 min 20 s.</summary>
    public static string Of(TimeSpan time) =>
        time.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s");
}
