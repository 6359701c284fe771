using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Streaming.Inference.Evaluation;

/// <summary>The process's resident memory, as the system counts it: weights, cache and everything else.</summary>
internal static partial class ResidentMemory
{
    private const string ClearRefs = "/proc/self/clear_refs", ResetPeak = "5"; // proc(5)

    /// <summary>
    /// Gives back what is free, and lets the peak begin anew, so that it says what follows needs and not what loading took. Only
    /// on Linux with glibc; elsewhere the peak is since the process began.
    /// </summary>
    public static void BeginPeak()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libc.so.6", out nint libc) || !NativeLibrary.TryGetExport(libc, "malloc_trim", out _))
            return;
        _ = malloc_trim(0); // answers whether there was anything to give back
        File.WriteAllText(ClearRefs, ResetPeak);
    }

    /// <summary>The most since <see cref="BeginPeak"/>, bytes.</summary>
    public static long Peak()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }

    [LibraryImport("libc.so.6")]
    private static partial int malloc_trim(nuint pad);
}
