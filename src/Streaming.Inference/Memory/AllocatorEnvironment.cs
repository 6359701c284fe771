using System.Runtime.InteropServices;
using System.Text;

namespace Streaming.Inference.Memory;

/// <summary>
/// Environment that libtorch needs on Linux. glibc gives large blocks back to the kernel at every free, and libtorch frees them
/// at every operation: page faults then dominate whatever makes large intermediates (prompts, logits). Only the environment
/// reaches all threads (<c>mallopt</c> reaches the main one), and only before the process starts; so the process starts itself
/// once more, with the same id and arguments. OpenMP's threads must not spin beside a web server either.
/// </summary>
public static partial class AllocatorEnvironment
{
    private const string Marker = "STREAMING_ALLOCATOR";
    private const long SmallHostBytes = 4L << 30;

    /// <summary>
    /// Sets what is unset, and starts the process anew if the allocator's variables were among it; what is set by somebody stays.
    /// To be called first in Main. Elsewhere than on Linux with glibc, and in the process that was started anew, it does nothing.
    /// </summary>
    /// <returns>Null, or a sentence to log: why the process could not be started anew and goes on as it is, slower.</returns>
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
        changed |= SetIfUnset("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"); // weights in pages of 2 MiB, where the system has them: reading them is a quarter faster
        if (!changed)
            return null;

        Set(Marker, "1"); // in the new process: do not start yet another
        // Each argument ends with a zero byte, an empty last one too.
        string[] arguments = Encoding.UTF8.GetString(File.ReadAllBytes("/proc/self/cmdline"))[..^1].Split('\0');
        execv(Environment.ProcessPath ?? "/proc/self/exe", [.. arguments, null]); // by its own path, whose name tools show; returns only when it failed
        return $"The process could not be started anew with the allocator's settings ({Marshal.GetLastPInvokeErrorMessage()}): set MALLOC_MMAP_MAX_=0, MALLOC_TRIM_THRESHOLD_=17179869184, MALLOC_TOP_PAD_=268435456, MALLOC_ARENA_MAX=1 and GLIBC_TUNABLES=glibc.malloc.hugetlb=1 yourself.";
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

    /// <summary>Sets a variable for native code and for a new process; .NET's own copy does not reach them.</summary>
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
