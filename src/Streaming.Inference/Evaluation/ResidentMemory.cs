using System.Diagnostics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Evaluation;

/// <summary>The process's resident memory, as reported by the system.</summary>
internal static class ResidentMemory
{
    private const string ClearRefs = "/proc/self/clear_refs",
        ResetPeak = "5"; // proc(5)

    /// <summary>
    /// Frees unused memory and resets the peak, so that it excludes memory that only loading needed. Only on Linux with glibc; on other
    /// systems the peak is that of the whole process.
    /// </summary>
    public static void BeginPeak()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (NativeHeap.Trim())
            File.WriteAllText(ClearRefs, ResetPeak);
    }

    /// <summary>The peak since <see cref="BeginPeak"/>, bytes.</summary>
    public static long Peak()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }
}
