using System.Diagnostics;
using Streaming.Bench.Peers.Sides;
using Streaming.Inference;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>A side as a child process of this program: libtorch and llama.cpp do not share a process.</summary>
internal sealed class SideProcess : IAsyncDisposable
{
    private const int LinesKept = 20;
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromMinutes(20),
        LongestEnd = TimeSpan.FromSeconds(20);

    // What this process runs under must not be what the sides run under: each sets its own.
    private static readonly string[] Inherited =
    [
        "OMP_WAIT_POLICY",
        "GOMP_SPINCOUNT",
        "MALLOC_MMAP_MAX_",
        "MALLOC_TRIM_THRESHOLD_",
        "MALLOC_TOP_PAD_",
        "MALLOC_ARENA_MAX",
        "GLIBC_TUNABLES",
        "STREAMING_ALLOCATOR",
    ];

    private readonly string _name;
    private readonly Process _process;
    private readonly Queue<string> _complaints = new();

    private SideProcess(string name, Process process)
    {
        _name = name;
        _process = process;
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginErrorReadLine();
    }

    /// <summary>What the side says about itself.</summary>
    public string Says { get; private set; } = "";

    /// <summary>Starts a side, and waits until it is ready: its model is loaded.</summary>
    /// <exception cref="InputException">It says why it cannot be.</exception>
    public static async Task<SideProcess> StartAsync(
        IReadOnlyList<string> arguments,
        SideEnvironment environment,
        CancellationToken cancellation
    )
    {
        string self = Environment.ProcessPath ?? throw new InvalidOperationException("This process does not know its own path.");
        bool shared = Path.GetFileNameWithoutExtension(self) == "dotnet";
        var start = new ProcessStartInfo(self)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[.. shared ? (string[])[typeof(SideProcess).Assembly.Location] : [], "side", .. arguments])
            start.ArgumentList.Add(argument);
        foreach (string name in Inherited)
            start.Environment.Remove(name);
        if (environment.HasFlag(SideEnvironment.LargePages))
            start.Environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1";
        if (environment.HasFlag(SideEnvironment.Passive))
            start.Environment["OMP_WAIT_POLICY"] = "passive";
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{self} did not start.");
        var side = new SideProcess(string.Join(' ', arguments), process);
        try
        {
            side.Says = (await side.ReadAsync(cancellation)).Says ?? "";
            return side;
        }
        catch
        {
            await side.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks, and waits for the answer.</summary>
    public async Task<SideReply> AskAsync(SideRequest request, CancellationToken cancellation)
    {
        await _process.StandardInput.WriteLineAsync(Lines.Of(request).AsMemory(), cancellation);
        await _process.StandardInput.FlushAsync(cancellation);
        return await ReadAsync(cancellation);
    }

    /// <summary>Ends it: its input is over. One that does not end by itself is killed.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(LongestEnd);
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

    private async Task<SideReply> ReadAsync(CancellationToken cancellation)
    {
        string? line = await _process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(LongestAnswer, cancellation);
        if (line is null)
        {
            await _process.WaitForExitAsync(cancellation).WaitAsync(LongestEnd, cancellation);
            throw new InputException($"The side '{_name}' ended with {_process.ExitCode}: {Complaints()}");
        }
        SideReply reply = Lines.Read<SideReply>(line);
        return reply.Error is null
            ? reply
            : throw new InvalidOperationException($"The side '{_name}' failed: {reply.Error} {Complaints()}");
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_complaints)
        {
            _complaints.Enqueue(line);
            if (_complaints.Count > LinesKept)
                _complaints.Dequeue();
        }
    }

    private string Complaints()
    {
        lock (_complaints)
            return string.Join(Environment.NewLine, _complaints);
    }
}
