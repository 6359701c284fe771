using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.EndToEnd.Tests;

/// <summary>The comparison with llama.cpp still runs: its small version, all parts of it.</summary>
public class PeerBenchmarkTests
{
    private static readonly string[] Contestants = ["llama.cpp, Q8_0", "llama.cpp, Q4_0", "ours, int8", "ours, int8, deterministic"];

    [Fact]
    public async Task The_small_comparison_measures_every_part_and_its_page_can_be_written_again()
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
                Contestants,
                samples.Where(sample => (string)sample["kind"]! == kind).Select(sample => (string)sample["contestant"]!).Distinct()
            );
        Assert.All(samples.Where(sample => sample["ms"] is not null), sample => Assert.True((double)sample["ms"]![0]! > 0));
        Assert.All(samples.Where(sample => sample["rate"] is not null), sample => Assert.True((double)sample["rate"]! > 0));
        Assert.All(
            samples.Where(sample => (string?)sample["contestant"] == "ours, int8" && sample["cosine"] is not null), // the same model, rounded otherwise
            sample => Assert.InRange((double)sample["cosine"]!, 0.99, 1)
        );

        string page = await PageAsync();
        Assert.DoesNotContain("not measured", page);
        Assert.All(Contestants, contestant => Assert.Contains($"| {contestant} |", page));
        Assert.True(File.Exists(Path.Combine(folder.Path, "decode-tiny.png")) && File.Exists(Path.Combine(folder.Path, "decode-tiny.svg")));

        File.Delete(Path.Combine(folder.Path, "RESULTS.md"));
        BufferedCommandResult rendered = await RunAsync("--render", "--out", folder.Path);
        Assert.True(rendered.ExitCode == 0, rendered.StandardError);
        Assert.Equal(page, await PageAsync());

        Task<string> PageAsync() => File.ReadAllTextAsync(Path.Combine(folder.Path, "RESULTS.md"), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("There is no part 'speed': take shapes, busy, served.", "--parts", "speed")]
    [InlineData("The shape 'huge' is unknown: take smol135m or llama1b.", "--shapes", "huge")]
    [InlineData("'q2_k' is no type of llama.cpp's that is written here: take q8_0 or q4_0.", "--quants", "q2_k")]
    [InlineData("0 rounds measure nothing: take 1 or more.", "--rounds", "0")]
    public async Task What_cannot_be_measured_is_refused_with_a_sentence(string sentence, params string[] arguments)
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
