using System.Runtime.InteropServices;

namespace Streaming.Inference.Memory;

/// <summary>The native heap. It keeps freed memory (see <see cref="AllocatorEnvironment"/>) until <see cref="Trim"/>.</summary>
internal static partial class NativeHeap
{
    private static readonly bool CanTrim =
        OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad("libc.so.6", out nint libc)
        && NativeLibrary.TryGetExport(libc, "malloc_trim", out _);

    /// <summary>Returns free pages to the system, in some milliseconds. Does nothing on systems other than Linux with glibc.</summary>
    /// <returns>Whether the system supports it.</returns>
    public static bool Trim()
    {
        if (CanTrim)
            _ = malloc_trim(0); // the result says whether any page was returned
        return CanTrim;
    }

    [LibraryImport("libc.so.6")]
    private static partial int malloc_trim(nuint pad);
}
