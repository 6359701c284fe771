using System.Globalization;

namespace Streaming.Bench.Inference;

/// <summary>
/// How long threads of a step were ready to run and waited for a processor, from the second number of each thread's <c>schedstat</c> on
/// Linux; unknown on other systems. Use it on the thread that runs the steps.
/// </summary>
internal sealed class SchedulerWait
{
    private const string OwnThread = "/proc/thread-self/schedstat",
        Tasks = "/proc/self/task";

    private readonly string[] _files;
    private double[] _last = [];

    /// <summary>Finds the engine's threads, which must have been started.</summary>
    public SchedulerWait() =>
        _files = File.Exists(OwnThread)
            ?
            [
                OwnThread,
                .. Directory
                    .EnumerateDirectories(Tasks)
                    .Where(task => File.ReadAllText(Path.Combine(task, "comm")).StartsWith("kernels", StringComparison.Ordinal))
                    .Select(task => Path.Combine(task, "schedstat")),
            ]
            : [];

    /// <summary>Whether the system counts it.</summary>
    public bool IsKnown => _files.Length > 0;

    /// <summary>Milliseconds that the longest-waiting thread has waited since the last call.</summary>
    public double LongestSinceLastCall()
    {
        double[] now = [.. _files.Select(file => double.Parse(File.ReadAllText(file).Split(' ')[1], CultureInfo.InvariantCulture) / 1e6)];
        double longest = now.Zip(_last, (after, before) => after - before).DefaultIfEmpty().Max();
        _last = now;
        return longest;
    }
}
