using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using Streaming.Tooling;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>A build that runs beside a measurement: a generated project is compiled again and again with all processors.</summary>
internal sealed class BuildLoad : IAsyncDisposable
{
    private const int Classes = 300,
        MethodsEach = 40;
    private static readonly TimeSpan LongestRestore = TimeSpan.FromMinutes(2),
        LongestEnd = TimeSpan.FromSeconds(20);
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _over = new();
    private Task _builds = Task.CompletedTask;

    /// <summary>Completed builds.</summary>
    public int Ended { get; private set; }

    /// <summary>Writes the project and starts to build it.</summary>
    public static async Task<BuildLoad> StartAsync(CancellationToken cancellation)
    {
        var load = new BuildLoad();
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
    /// <exception cref="InvalidOperationException">A build failed, so there was no load.</exception>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        try
        {
            await _builds.WaitAsync(LongestEnd);
        }
        catch (OperationCanceledException)
        {
            // The running build was stopped, as intended.
        }
        finally
        {
            _folder.Dispose();
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
        BufferedCommandResult result = await Cli.Wrap("dotnet")
            .WithArguments(arguments)
            .WithWorkingDirectory(_folder.Path)
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellation);
        if (result.ExitCode != 0)
            throw new InvalidOperationException($"The load's dotnet {arguments[0]} failed: {result.StandardOutput} {result.StandardError}");
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        const string project = """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
            </Project>
            """;
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "Load.csproj"), project, cancellation);
        for (int c = 0; c < Classes; c++)
        {
            StringBuilder text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"public static class C{c} {{");
            for (int m = 0; m < MethodsEach; m++)
            {
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"    public static Dictionary<string, int[]> M{m}(IEnumerable<int> n) => n.Where(i => i % {m + 2} == 0)"
                        + $".GroupBy(i => $\"{{i}}-{m}\").ToDictionary(g => g.Key, g => g.Select(i => i * {c}).Order().ToArray());"
                );
            }
            await File.WriteAllTextAsync(Path.Combine(_folder.Path, $"C{c}.cs"), text.AppendLine("}").ToString(), cancellation);
        }
    }
}
