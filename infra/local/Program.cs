using System.Runtime.InteropServices;
using Streaming.Local;

// One command for a cluster on this machine: Azurite, three silos, two gateways. What is killed is started again.
if (LocalOptions.Parse(args, out string? problem) is not { } options)
{
    await Console.Error.WriteLineAsync(problem);
    return 2;
}
using var stopping = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return await LocalCluster.RunAsync(options, stopping.Token);
