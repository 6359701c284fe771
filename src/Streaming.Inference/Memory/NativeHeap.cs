using System.Runtime.InteropServices;

namespace Streaming.Inference.Memory;

/// <summary>The heap of native code, which keeps what is freed (see <see cref="AllocatorEnvironment"/>) until it is told to give it back.</summary>
internal static partial class NativeHeap
{
    private static readonly bool CanTrim =
        OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad("libc.so.6", out nint libc)
        && NativeLibrary.TryGetExport(libc, "malloc_trim", out _);

    /// <summary>Gives free pages back to the system: some milliseconds, for idle moments. Only on Linux with glibc; elsewhere nothing happens.</summary>
    /// <returns>Whether there is such a heap here.</returns>
    public static bool Trim()
    {
        if (CanTrim)
            _ = malloc_trim(0); // answers whether there was anything to give back
        return CanTrim;
    }

    [LibraryImport("libc.so.6")]
    private static partial int malloc_trim(nuint pad);
}
