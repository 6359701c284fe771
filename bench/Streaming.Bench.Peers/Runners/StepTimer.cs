using System.Diagnostics;

namespace Streaming.Bench.Peers.Runners;

/// <summary>Measures steps, in the same way for all backends.</summary>
internal static class StepTimer
{
    /// <summary>Milliseconds of each step: at least the requested steps and time, at most <paramref name="most"/> steps.</summary>
    public static double[] Measure(RunnerRequest request, Action<int> step, int most = int.MaxValue)
    {
        var times = new List<double>();
        long began = Stopwatch.GetTimestamp();
        while (
            times.Count < most && (times.Count < request.Least || Stopwatch.GetElapsedTime(began).TotalMilliseconds < request.Milliseconds)
        )
        {
            long start = Stopwatch.GetTimestamp();
            step(times.Count);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return [.. times];
    }

    /// <summary>Random token ids, the same for all backends.</summary>
    public static int[] Ids(int count, int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}
