using System.Globalization;

namespace Streaming.Bench;

/// <summary>
/// How long the threads of a step have waited for a processor while they were ready to run, as Linux counts it (the second number of a task's
/// <c>schedstat</c>); elsewhere nothing is known. Belongs to the thread that steps.
/// </summary>
internal sealed class SchedulerWait
{
    private const string OwnThread = "/proc/thread-self/schedstat",
        Tasks = "/proc/self/task";

    private readonly string[] _files;
    private double[] _last = [];

    /// <summary>Finds the engine's threads; they live already.</summary>
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

    /// <summary>Whether this system counts it.</summary>
    public bool IsKnown => _files.Length > 0;

    /// <summary>Milliseconds since the last call, of the thread that waited longest.</summary>
    public double Most()
    {
        double[] now = [.. _files.Select(file => double.Parse(File.ReadAllText(file).Split(' ')[1], CultureInfo.InvariantCulture) / 1e6)];
        double most = now.Zip(_last, (after, before) => after - before).DefaultIfEmpty().Max();
        _last = now;
        return most;
    }
}
