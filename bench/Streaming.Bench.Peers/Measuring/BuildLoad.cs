using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>A build that goes on beside the measurement: a generated project, compiled over and over with all processors.</summary>
internal sealed class BuildLoad : IAsyncDisposable
{
    private const int Classes = 300,
        MethodsEach = 40;
    private static readonly TimeSpan LongestRestore = TimeSpan.FromMinutes(2),
        LongestEnd = TimeSpan.FromSeconds(20);
    private readonly string _folder;
    private readonly CancellationTokenSource _over = new();
    private Task _builds = Task.CompletedTask;

    private BuildLoad(string folder) => _folder = folder;

    /// <summary>Builds that have ended.</summary>
    public int Ended { get; private set; }

    /// <summary>Writes the project and starts building it.</summary>
    public static async Task<BuildLoad> StartAsync(CancellationToken cancellation)
    {
        var load = new BuildLoad(Directory.CreateTempSubdirectory("build-load-").FullName);
        try
        {
            await load.WriteAsync(cancellation);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(LongestRestore);
            await load.DotnetAsync(["restore"], limit.Token);
            load._builds = load.BuildAsync();
            return load;
        }
        catch
        {
            await load.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops building.</summary>
    /// <exception cref="InvalidOperationException">A build had failed: there was no load.</exception>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        try
        {
            await _builds.WaitAsync(LongestEnd);
        }
        catch (OperationCanceledException)
        {
            // The build under way was stopped, as it should be.
        }
        finally
        {
            Directory.Delete(_folder, recursive: true);
            _over.Dispose();
        }
    }

    private async Task BuildAsync()
    {
        while (true)
        {
            await DotnetAsync(
                ["build", "-c", "Release", "--no-restore", "--no-incremental", "-nodeReuse:false", "-p:UseSharedCompilation=false"],
                _over.Token
            );
            Ended++;
        }
    }

    private async Task DotnetAsync(string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None),
            errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(LongestEnd, CancellationToken.None);
            throw;
        }
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"dotnet {arguments[0]} of the load failed: {await output} {await errors}");
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        const string project = """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
            </Project>
            """;
        await File.WriteAllTextAsync(Path.Combine(_folder, "Load.csproj"), project, cancellation);
        for (int c = 0; c < Classes; c++)
        {
            var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"public static class C{c} {{");
            for (int m = 0; m < MethodsEach; m++)
            {
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"    public static Dictionary<string, int[]> M{m}(IEnumerable<int> n) => n.Where(i => i % {m + 2} == 0).GroupBy(i => $\"{{i}}-{m}\").ToDictionary(g => g.Key, g => g.Select(i => i * {c}).Order().ToArray());"
                );
            }
            await File.WriteAllTextAsync(Path.Combine(_folder, $"C{c}.cs"), text.AppendLine("}").ToString(), cancellation);
        }
    }
}
