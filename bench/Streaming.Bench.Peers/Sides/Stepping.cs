using System.Diagnostics;

namespace Streaming.Bench.Peers.Sides;

/// <summary>Both sides' clocks: the same loop around each.</summary>
internal static class Stepping
{
    /// <summary>Milliseconds of each step: at least so many, for at least so long, at most so many.</summary>
    public static double[] Measure(SideRequest request, Action<int> step, int most = int.MaxValue)
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

    /// <summary>Random ids, the same on both sides.</summary>
    public static int[] Ids(int count, int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}
