using System.Runtime.InteropServices;

namespace Streaming.Tooling.Processes;

/// <summary>A signal, by its number on Linux.</summary>
public enum Signal
{
    /// <summary>SIGINT, as Ctrl-C sends it.</summary>
    Interrupt = 2,

    /// <summary>SIGTERM: the process is asked to shut down.</summary>
    Terminate = 15,

    /// <summary>SIGCONT: a stopped process runs on.</summary>
    Continue = 18,

    /// <summary>SIGSTOP: the process stops running, and its connections stay open.</summary>
    Stop = 19,
}

/// <summary>Sends signals to processes.</summary>
public static partial class Signals
{
    private const int NoSuchProcess = 3; // ESRCH

    /// <summary>Sends a signal; false if the process has ended.</summary>
    /// <exception cref="InvalidOperationException">The system refuses.</exception>
    public static bool Send(int processId, Signal signal)
    {
        if (Kill(processId, (int)signal) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == NoSuchProcess
            ? false
            : throw new InvalidOperationException(
                $"{signal} could not be sent to process {processId}: {Marshal.GetLastPInvokeErrorMessage()}."
            );
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
