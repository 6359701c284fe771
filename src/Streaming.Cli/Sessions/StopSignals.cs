using System.Runtime.InteropServices;

namespace Streaming.Cli.Sessions;

/// <summary>
/// Ctrl-C and SIGTERM. While a reply runs they end the reply, and whoever waits for it decides what then; otherwise, and the
/// second time, they end the process as they always do.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>The shell's exit code of a program that Ctrl-C ended.</summary>
    public const int ExitCode = 130;

    private readonly Action _stop;
    private readonly PosixSignalRegistration[] _registrations;
    private int _running;

    /// <param name="stop">Ends the reply that runs.</param>
    public StopSignals(Action stop)
    {
        _stop = stop;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];
    }

    /// <summary>Whether the program was asked to end, rather than the reply alone.</summary>
    public bool Terminating { get; private set; }

    /// <summary>A reply begins.</summary>
    public void Begin() => Volatile.Write(ref _running, 1);

    /// <summary>A reply has ended.</summary>
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
