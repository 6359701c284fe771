namespace Streaming.Grains;

/// <summary>Waits for tasks by a <see cref="TimeProvider"/>'s clock.</summary>
internal static class TaskTimeouts
{
    /// <summary>Whether a task completes within a time; the task runs on if it does not.</summary>
    public static async Task<bool> CompletesWithinAsync(this Task task, TimeSpan wait, TimeProvider time)
    {
        if (task.IsCompleted)
            return true;
        if (wait <= TimeSpan.Zero)
            return false;
        using var awake = new CancellationTokenSource();
        await Task.WhenAny(task, Task.Delay(wait, time, awake.Token));
        await awake.CancelAsync();
        return task.IsCompleted;
    }
}
