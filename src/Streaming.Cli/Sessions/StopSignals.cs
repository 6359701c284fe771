using System.Runtime.InteropServices;

namespace Streaming.Cli.Sessions;

/// <summary>
/// Handles Ctrl-C and SIGTERM. The first signal while an operation runs stops the operation. Any other signal ends the process, as by
/// default.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>The exit code of a program that Ctrl-C ended, by the shell's convention.</summary>
    public const int ExitCode = 130;

    private readonly Action _stop;
    private readonly PosixSignalRegistration[] _registrations;
    private int _running;

    /// <param name="stop">Stops the operation that runs.</param>
    public StopSignals(Action stop)
    {
        _stop = stop;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];
    }

    /// <summary>Whether SIGTERM asked the program to end; Ctrl-C stops only the operation.</summary>
    public bool Terminating { get; private set; }

    /// <summary>Marks the start of an operation.</summary>
    public void Begin() => Volatile.Write(ref _running, 1);

    /// <summary>Marks the end of the operation.</summary>
    public void End() => Volatile.Write(ref _running, 0);

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (Interlocked.Exchange(ref _running, 0) == 0)
            return;
        context.Cancel = true;
        Terminating |= context.Signal == PosixSignal.SIGTERM;
        _stop();
    }
}
