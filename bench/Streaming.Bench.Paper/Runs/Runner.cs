using System.Diagnostics;
using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.Bench.Paper.Runs;

/// <summary>Makes runs one after another, each in a process of its own, so that its peak memory is its own.</summary>
/// <param name="store">Where runs are recorded.</param>
/// <param name="provenance">Of the runs to make.</param>
/// <param name="onlyCommit">A run that is recorded for another commit is made again; null: any recorded run counts.</param>
internal sealed class Runner(RunStore store, Provenance provenance, string? onlyCommit)
{
    private static readonly TimeSpan RunLimit = TimeSpan.FromHours(6);
    private static readonly string Program = Repository.Assembly("src/Streaming.Cli", "streaming");

    /// <summary>Makes the runs that are not recorded yet.</summary>
    /// <exception cref="ToolException">A run failed; earlier ones are recorded.</exception>
    public async Task RunAsync(IReadOnlyList<Run> runs, CancellationToken cancellation)
    {
        Run[] missing = [.. runs.Distinct().Where(run => !store.Has(run, onlyCommit))];
        for (int i = 0; i < missing.Length; i++)
        {
            Console.Error.WriteLine($"[{i + 1}/{missing.Length}] streaming {missing[i].Arguments}");
            long start = Stopwatch.GetTimestamp();
            JsonElement output = await MeasureAsync(missing[i], cancellation);
            double seconds = Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1);
            store.Add(new RunRecord(missing[i].Arguments, DateTimeOffset.UtcNow, provenance.Commit, provenance.Machine, seconds, output));
        }
    }

    private static async Task<JsonElement> MeasureAsync(Run run, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(RunLimit);
        try
        {
            BufferedCommandResult result = await Cli.Wrap("dotnet")
                .WithArguments([Program, .. run.Arguments.Split(' ')])
                .WithWorkingDirectory(Repository.Root)
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(limit.Token);
            cancellation.ThrowIfCancellationRequested(); // A Ctrl-C reaches the run too: its output may be incomplete.
            return result.ExitCode == 0
                ? JsonSerializer.Deserialize<JsonElement>(result.StandardOutput)
                : throw new ToolException($"streaming {run.Arguments}: ended with {result.ExitCode}: {result.StandardError.Trim()}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new ToolException($"streaming {run.Arguments}: did not end within {RunLimit.TotalHours} hours.");
        }
    }
}
