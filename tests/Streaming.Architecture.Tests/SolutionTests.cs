using System.Text.Json;
using System.Xml.Linq;
using CliWrap;
using CliWrap.Buffered;
using Streaming.Tooling;

namespace Streaming.Architecture.Tests;

/// <summary>Projects reference each other only as docs/architecture.md says.</summary>
public class SolutionTests
{
    /// <summary>The projects that each project may reference.</summary>
    private static readonly Dictionary<string, string[]> Knows = new()
    {
        ["src/Streaming.Inference/Streaming.Inference.csproj"] = ["Streaming.Jinja"],
        ["src/Streaming.Jinja/Streaming.Jinja.csproj"] = [],
        ["src/Streaming.Contracts/Streaming.Contracts.csproj"] = [],
        ["src/Streaming.Clustering/Streaming.Clustering.csproj"] = [],
        ["src/Streaming.Storage/Streaming.Storage.csproj"] = ["Streaming.Clustering", "Streaming.Contracts"],
        ["src/Streaming.Grains/Streaming.Grains.csproj"] = ["Streaming.Contracts", "Streaming.Inference", "Streaming.Storage"],
        ["src/Streaming.Hosting/Streaming.Hosting.csproj"] = [],
        ["src/Streaming.Gateway/Streaming.Gateway.csproj"] = ["Streaming.Contracts", "Streaming.Hosting"],
        ["src/Streaming.Training/Streaming.Training.csproj"] = ["Streaming.Inference"],
        ["src/Streaming.Cli/Streaming.Cli.csproj"] =
        [
            "Streaming.Clustering",
            "Streaming.Inference",
            "Streaming.Storage",
            "Streaming.Training",
        ],
        ["silo/Silo.csproj"] =
        [
            "Streaming.Clustering",
            "Streaming.Contracts",
            "Streaming.Gateway",
            "Streaming.Grains",
            "Streaming.Hosting",
            "Streaming.Inference",
            "Streaming.Storage",
        ],
        ["bench/Streaming.Bench/Streaming.Bench.csproj"] = ["Streaming.Inference", "Streaming.Tooling"],
        ["bench/Streaming.Bench.Inference/Streaming.Bench.Inference.csproj"] = ["Streaming.Bench", "Streaming.Inference"],
        ["bench/Streaming.Bench.Paper/Streaming.Bench.Paper.csproj"] =
        [
            "Silo",
            "Streaming.Bench",
            "Streaming.Cli",
            "Streaming.Inference",
            "Streaming.Storage",
        ],
        ["infra/local/Local.csproj"] = ["Gateway", "Silo", "Streaming.Azurite", "Streaming.Tooling"],
        ["gateway/Gateway.csproj"] = ["Streaming.Clustering", "Streaming.Contracts", "Streaming.Gateway", "Streaming.Hosting"],
        ["bench/Streaming.Bench.Peers/Streaming.Bench.Peers.csproj"] = ["Silo", "Streaming.Bench", "Streaming.Gguf", "Streaming.Inference"],
        ["bench/Streaming.Bench.Crowd/Streaming.Bench.Crowd.csproj"] = ["Silo", "Streaming.Bench"],
        ["bench/Streaming.Bench.Idle/Streaming.Bench.Idle.csproj"] = ["Silo", "Streaming.Bench"],
        ["bench/Streaming.ModelCard/Streaming.ModelCard.csproj"] = ["Streaming.Tooling", "Streaming.Training"],
        ["tools/Streaming.Azurite/Streaming.Azurite.csproj"] = ["Streaming.Tooling"],
        ["tools/Streaming.Gguf/Streaming.Gguf.csproj"] = [],
        ["tools/Streaming.Peers/Streaming.Peers.csproj"] = [],
        ["tools/Streaming.Tooling/Streaming.Tooling.csproj"] = [],
    };

    [Fact]
    public void Projects_reference_only_what_the_design_allows()
    {
        string[] projects =
        [
            .. Directory
                .EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
                .Where(p => !p.Contains("node_modules", StringComparison.Ordinal)),
        ];
        Assert.Equal(Knows.Keys.Count(k => k.StartsWith("src/", StringComparison.Ordinal)), projects.Length);
        foreach ((string project, string[] allowed) in Knows)
        {
            var file = XDocument.Load(Path.Combine(Repository.Root, project));
            IEnumerable<string> known = file.Descendants("ProjectReference")
                .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!));
            Assert.Empty(known.Except(allowed));
        }
    }

    [Fact]
    public void Only_projects_with_the_engine_contain_libtorch()
    {
        Assert.Empty(
            Directory.EnumerateFiles(
                Path.Combine(Path.GetDirectoryName(Repository.Assembly("gateway", "x"))!),
                "*orch*",
                SearchOption.AllDirectories
            )
        );
        Assert.NotEmpty(
            Directory.EnumerateFiles(
                Path.Combine(Path.GetDirectoryName(Repository.Assembly("silo", "x"))!),
                "*orch*",
                SearchOption.AllDirectories
            )
        );
    }

    [Theory]
    [InlineData("cuda", "TorchSharp-cuda-linux", "libtorch-cpu-linux-x64")]
    [InlineData("cpu", "libtorch-cpu-linux-x64", "TorchSharp-cuda-linux")]
    public async Task The_build_property_selects_libtorch(string torch, string present, string absent)
    {
        BufferedCommandResult result = await Cli.Wrap("dotnet")
            .WithArguments([
                "msbuild",
                Path.Combine(Repository.Root, "silo", "Silo.csproj"),
                $"-p:Torch={torch}",
                "-getItem:PackageReference",
            ])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        using var items = JsonDocument.Parse(result.StandardOutput);
        string[] packages =
        [
            .. items
                .RootElement.GetProperty("Items")
                .GetProperty("PackageReference")
                .EnumerateArray()
                .Select(p => p.GetProperty("Identity").GetString()!),
        ];
        Assert.Contains(present, packages);
        Assert.DoesNotContain(absent, packages);
    }
}
