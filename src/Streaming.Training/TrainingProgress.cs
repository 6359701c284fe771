using System.Globalization;

namespace Streaming.Training;

/// <summary>What a step did.</summary>
/// <param name="Step">Its number, from 1.</param>
/// <param name="Tokens">Tokens read so far.</param>
/// <param name="Loss">Its loss, nats per learnt token.</param>
/// <param name="Rate">The learning rate.</param>
/// <param name="Norm">The gradients' norm before clipping.</param>
public readonly record struct StepResult(int Step, long Tokens, double Loss, double Rate, double Norm);

/// <summary>Hears how a training goes.</summary>
public interface ITrainingProgress
{
    /// <summary>After each step.</summary>
    void StepCompleted(StepResult step);

    /// <summary>A line for people.</summary>
    void Log(string line);
}

/// <summary>Why a training ended.</summary>
public enum TrainingOutcome
{
    /// <summary>All tokens that were asked for are read.</summary>
    Complete,

    /// <summary>The held-out loss no longer got better.</summary>
    EarlyStopped,

    /// <summary>It was asked to stop, or the steps of this run are done; it can go on.</summary>
    Paused,
}

/// <summary>Says times as people do.</summary>
internal static class Durations
{
    /// <summary>Such as 2 h 05 min.</summary>
    public static string Of(TimeSpan time) =>
        time.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s");
}
