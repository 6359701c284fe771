using System.Runtime.InteropServices;
using System.Text;

namespace Streaming.Inference.Memory;

/// <summary>
/// Environment variables that libtorch needs on Linux. glibc returns large blocks to the kernel at every free, and libtorch frees
/// them at every operation, so page faults dominate operations with large intermediates (prompts, logits). Only environment
/// variables apply to all threads (<c>mallopt</c> applies to the main one), and only if they are set before the process starts.
/// Therefore the process replaces itself once, with the same id and arguments. OpenMP's threads must not spin either, because they
/// share the processor with a web server.
/// </summary>
public static partial class AllocatorEnvironment
{
    private const string Marker = "STREAMING_ALLOCATOR";
    private const long SmallHostBytes = 4L << 30;

    /// <summary>
    /// Sets the variables that are unset, and restarts the process if an allocator variable was among them. Call it first in Main.
    /// It does nothing in the restarted process, nor on systems other than Linux with glibc.
    /// </summary>
    /// <returns>Null, or a warning to log: the restart failed and the process goes on, slower.</returns>
    public static string? EnsureOrReexec()
    {
        if (!OperatingSystem.IsLinux() || !HasGlibc() || Environment.GetEnvironmentVariable(Marker) is not null)
            return null;
        SetIfUnset("OMP_WAIT_POLICY", "passive");
        SetIfUnset("GOMP_SPINCOUNT", "0");

        bool small = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes < SmallHostBytes;
        bool changed = SetIfUnset("MALLOC_MMAP_MAX_", "0");
        changed |= SetIfUnset("MALLOC_TRIM_THRESHOLD_", "17179869184");
        changed |= SetIfUnset("MALLOC_TOP_PAD_", small ? "33554432" : "268435456");
        changed |= SetIfUnset("MALLOC_ARENA_MAX", "1");
        changed |= SetIfUnset("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"); // pages of 2 MiB: weights are read a quarter faster
        if (!changed)
            return null;

        Set(Marker, "1"); // the restarted process must not restart
        // Each argument ends with a zero byte, even an empty last one.
        string[] arguments = Encoding.UTF8.GetString(File.ReadAllBytes("/proc/self/cmdline"))[..^1].Split('\0');
        execv(Environment.ProcessPath ?? "/proc/self/exe", [.. arguments, null]); // returns only on failure; tools show the path
        return $"The process could not be restarted with the allocator's settings ({Marshal.GetLastPInvokeErrorMessage()}): "
            + "set MALLOC_MMAP_MAX_=0, MALLOC_TRIM_THRESHOLD_=17179869184, MALLOC_TOP_PAD_=268435456, MALLOC_ARENA_MAX=1 "
            + "and GLIBC_TUNABLES=glibc.malloc.hugetlb=1 yourself.";
    }

    private static bool HasGlibc() =>
        NativeLibrary.TryLoad("libc.so.6", out nint libc) && NativeLibrary.TryGetExport(libc, "gnu_get_libc_version", out _);

    private static bool SetIfUnset(string name, string value)
    {
        if (Environment.GetEnvironmentVariable(name) is not null)
            return false;
        Set(name, value);
        return true;
    }

    /// <summary>Sets a variable for native code and the restarted process; .NET's own setter changes only a managed copy.</summary>
    private static void Set(string name, string value)
    {
        if (setenv(name, value, 1) != 0)
            throw new InvalidOperationException(
                $"The environment variable {name} could not be set: {Marshal.GetLastPInvokeErrorMessage()}."
            );
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execv(string path, string?[] arguments);
}
