using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.EndToEnd.Tests;

/// <summary>The small version of the comparison with llama.cpp, with all its parts.</summary>
public class PeerBenchmarkTests
{
    private static readonly string[] Backends = ["llama.cpp, Q8_0", "llama.cpp, Q4_0", "ours, int8", "ours, int8, deterministic"];

    [Fact]
    public async Task The_small_comparison_measures_every_part_and_its_document_can_be_rendered_again()
    {
        using var folder = new TemporaryFolder();
        BufferedCommandResult measured = await RunAsync("--small", "--out", folder.Path, "--models", Path.Combine(folder.Path, "models"));
        Assert.True(measured.ExitCode == 0, measured.StandardError);

        JsonNode[] samples = [.. File.ReadLines(Path.Combine(folder.Path, "samples.jsonl")).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(
            ["agreement", "alone", "busy", "decode", "prompt", "read", "run", "served", "step-bytes"],
            samples.Select(sample => (string)sample["kind"]!).Distinct().Order(StringComparer.Ordinal)
        );
        foreach (string kind in (string[])["agreement", "decode", "prompt", "step-bytes"])
            Assert.Equal(
                Backends,
                samples.Where(sample => (string)sample["kind"]! == kind).Select(sample => (string)sample["backend"]!).Distinct()
            );
        Assert.All(samples.Where(sample => sample["ms"] is not null), sample => Assert.True((double)sample["ms"]![0]! > 0));
        Assert.All(samples.Where(sample => sample["rate"] is not null), sample => Assert.True((double)sample["rate"]! > 0));
        // The same model, rounded differently.
        Assert.All(
            samples.Where(sample => (string?)sample["backend"] == "ours, int8" && sample["cosine"] is not null),
            sample => Assert.InRange((double)sample["cosine"]!, 0.99, 1)
        );

        string page = await PageAsync();
        Assert.DoesNotContain("not measured", page);
        Assert.All(Backends, backend => Assert.Contains($"| {backend} |", page));
        Assert.True(File.Exists(Path.Combine(folder.Path, "decode-tiny.png")) && File.Exists(Path.Combine(folder.Path, "decode-tiny.svg")));

        File.Delete(Path.Combine(folder.Path, "RESULTS.md"));
        BufferedCommandResult rendered = await RunAsync("--render", "--out", folder.Path);
        Assert.True(rendered.ExitCode == 0, rendered.StandardError);
        Assert.Equal(page, await PageAsync());

        Task<string> PageAsync() => File.ReadAllTextAsync(Path.Combine(folder.Path, "RESULTS.md"), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("There is no part 'speed': use shapes, busy, served.", "--parts", "speed")]
    [InlineData("The shape 'huge' is unknown: take smol135m or llama1b.", "--shapes", "huge")]
    [InlineData("'q2_k' is not a type of llama.cpp that can be written: use q8_0 or q4_0.", "--quants", "q2_k")]
    [InlineData("0 rounds measure nothing: use 1 or more.", "--rounds", "0")]
    public async Task Refuses_options_that_cannot_be_measured_with_one_sentence(string sentence, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        BufferedCommandResult refused = await RunAsync([.. arguments, "--out", folder.Path]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Equal(sentence, refused.StandardError.Trim());
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    private static Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        Cli.Wrap("dotnet")
            .WithArguments([Repository.Assembly("bench/Streaming.Bench.Peers", "Streaming.Bench.Peers"), .. arguments])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
}
