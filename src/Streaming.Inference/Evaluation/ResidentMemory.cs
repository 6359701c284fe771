using System.Diagnostics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Evaluation;

/// <summary>The process's resident memory, as the system counts it: weights, cache and everything else.</summary>
internal static class ResidentMemory
{
    private const string ClearRefs = "/proc/self/clear_refs",
        ResetPeak = "5"; // proc(5)

    /// <summary>
    /// Gives back what is free, and lets the peak begin anew, so that it says what follows needs and not what loading took. Only
    /// on Linux with glibc; elsewhere the peak is since the process began.
    /// </summary>
    public static void BeginPeak()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (NativeHeap.Trim())
            File.WriteAllText(ClearRefs, ResetPeak);
    }

    /// <summary>The most since <see cref="BeginPeak"/>, bytes.</summary>
    public static long Peak()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }
}
