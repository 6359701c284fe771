using System.Diagnostics;
using System.Text.Json;

namespace Streaming.Bench.Paper.Runs;

/// <summary>Makes runs one after the other, each in a process of its own, so that its peak memory is its own.</summary>
internal sealed class Runner(RunStore store, bool again)
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(6);

    /// <summary>Makes the runs that are not there yet.</summary>
    /// <exception cref="MeasurementException">A run failed; those before it are kept.</exception>
    public async Task RunAsync(IReadOnlyList<Run> runs, CancellationToken cancellation)
    {
        Run[] missing = [.. runs.Distinct().Where(run => again || !store.Has(run))];
        if (missing.Length == 0)
            return;
        if (!File.Exists(Repository.Streaming))
            throw new MeasurementException($"'{Repository.Streaming}' is not built: dotnet build -c Release bench/Streaming.Bench.Paper");
        string commit = Repository.Commit(),
            machine = Repository.Machine();
        for (int i = 0; i < missing.Length; i++)
        {
            Console.Error.WriteLine($"[{i + 1}/{missing.Length}] streaming {missing[i].Arguments}");
            long start = Stopwatch.GetTimestamp();
            JsonElement output = await MeasureAsync(missing[i], cancellation);
            store.Add(
                new RunRecord(
                    missing[i].Arguments,
                    DateTimeOffset.UtcNow,
                    commit,
                    machine,
                    Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1),
                    output
                )
            );
        }
    }

    private static async Task<JsonElement> MeasureAsync(Run run, CancellationToken cancellation)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bound.CancelAfter(Longest);
        var start = new ProcessStartInfo("dotnet", [Repository.Streaming, .. run.Arguments.Split(' ')])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Repository.Root,
        };
        using Process process = Process.Start(start) ?? throw new MeasurementException("dotnet did not start.");
        string output;
        try
        {
            output = await process.StandardOutput.ReadToEndAsync(bound.Token);
            await process.WaitForExitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            if (!cancellation.IsCancellationRequested)
                throw new MeasurementException($"streaming {run.Arguments}: did not end within {Longest.TotalHours} hours.");
            throw;
        }
        cancellation.ThrowIfCancellationRequested(); // Ctrl-C reached the process too: what it printed is not the whole
        if (process.ExitCode != 0)
            throw new MeasurementException($"streaming {run.Arguments}: ended with {process.ExitCode}, see above.");
        return JsonSerializer.Deserialize<JsonElement>(output);
    }
}
