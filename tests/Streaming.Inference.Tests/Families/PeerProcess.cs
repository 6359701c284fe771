using System.Diagnostics;
using Streaming.Inference.Tests.Checkpoints;

namespace Streaming.Inference.Tests.Families;

/// <summary>Runs third-party implementations in a separate process (tools/Streaming.Peers).</summary>
internal static class PeerProcess
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(3);

    /// <summary>Runs the program to its end; if it fails, fails the test with its output.</summary>
    public static async Task Run(params string[] arguments)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory); // bin/CONFIGURATION/FRAMEWORK
        string program = Path.Combine(
            ModelFolders.Root,
            "tools",
            "Streaming.Peers",
            "bin",
            output.Parent!.Name,
            output.Name,
            "Streaming.Peers.dll"
        );
        var start = new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        using Process process = Process.Start(start)!;
        Task<string> written = process.StandardOutput.ReadToEndAsync(),
            complaints = process.StandardError.ReadToEndAsync();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(LongestRun);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"Streaming.Peers {arguments[0]} did not end within {LongestRun}.");
        }
        Assert.True(
            process.ExitCode == 0,
            $"Streaming.Peers {arguments[0]} ended with {process.ExitCode}:\n{await written}{await complaints}"
        );
    }
}
