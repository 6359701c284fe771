using System.Diagnostics;
using Streaming.Bench.Peers.Runners;
using Streaming.Inference;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>A runner as a child process of this program: libtorch and llama.cpp cannot share a process.</summary>
internal sealed class RunnerProcess : IAsyncDisposable
{
    private const int LinesKept = 20;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(20),
        ExitLimit = TimeSpan.FromSeconds(20);

    private readonly string _name;
    private readonly Process _process;
    private readonly Queue<string> _errors = new();

    private RunnerProcess(string name, Process process)
    {
        _name = name;
        _process = process;
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginErrorReadLine();
    }

    /// <summary>
    /// Variables of the allocator and OpenMP, with null: a measured process must not inherit them from this one, since it sets its own.
    /// </summary>
    public static IReadOnlyDictionary<string, string?> NotInherited { get; } =
        new[]
        {
            "OMP_WAIT_POLICY",
            "GOMP_SPINCOUNT",
            "MALLOC_MMAP_MAX_",
            "MALLOC_TRIM_THRESHOLD_",
            "MALLOC_TOP_PAD_",
            "MALLOC_ARENA_MAX",
            "GLIBC_TUNABLES",
            "STREAMING_ALLOCATOR",
        }.ToDictionary(name => name, _ => (string?)null);

    /// <summary>The runner's description of itself.</summary>
    public string Description { get; private set; } = "";

    /// <summary>Starts a runner and waits until it has loaded its model.</summary>
    /// <exception cref="InputException">It refuses to start; the message is its own.</exception>
    public static async Task<RunnerProcess> StartAsync(
        IReadOnlyList<string> arguments,
        RunnerEnvironment environment,
        CancellationToken cancellation
    )
    {
        string self = Environment.ProcessPath ?? throw new InvalidOperationException("This process does not know its own path.");
        string[] assembly = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [typeof(RunnerProcess).Assembly.Location] : [];
        var start = new ProcessStartInfo(self, [.. assembly, "runner", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in NotInherited.Keys)
            start.Environment.Remove(name);
        if (environment.HasFlag(RunnerEnvironment.LargePages))
            start.Environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1";
        if (environment.HasFlag(RunnerEnvironment.Passive))
            start.Environment["OMP_WAIT_POLICY"] = "passive";
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{self} did not start.");
        var runner = new RunnerProcess(string.Join(' ', arguments), process);
        try
        {
            runner.Description = (await runner.ReadAsync(cancellation)).Description ?? "";
            return runner;
        }
        catch
        {
            await runner.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a request and waits for the answer.</summary>
    public async Task<RunnerReply> AskAsync(RunnerRequest request, CancellationToken cancellation)
    {
        await _process.StandardInput.WriteLineAsync(JsonLines.Of(request).AsMemory(), cancellation);
        await _process.StandardInput.FlushAsync(cancellation);
        return await ReadAsync(cancellation);
    }

    /// <summary>Closes its input, which ends it; kills it if it does not end.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(ExitLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }

    private async Task<RunnerReply> ReadAsync(CancellationToken cancellation)
    {
        string? line = await _process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(AnswerLimit, cancellation);
        if (line is null)
        {
            await _process.WaitForExitAsync(cancellation).WaitAsync(ExitLimit, cancellation);
            throw new InputException($"The runner '{_name}' ended with {_process.ExitCode}: {Errors()}");
        }
        RunnerReply reply = JsonLines.Read<RunnerReply>(line);
        return reply.Error is null ? reply : throw new InvalidOperationException($"The runner '{_name}' failed: {reply.Error} {Errors()}");
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_errors)
        {
            _errors.Enqueue(line);
            if (_errors.Count > LinesKept)
                _errors.Dequeue();
        }
    }

    private string Errors()
    {
        lock (_errors)
            return string.Join(Environment.NewLine, _errors);
    }
}
