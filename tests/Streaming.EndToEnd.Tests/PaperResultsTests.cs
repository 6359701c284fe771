using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.EndToEnd.Tests;

/// <summary>A small version of every table and figure of <c>bench/Streaming.Bench.Paper</c>, with the embedded model.</summary>
public class PaperResultsTests
{
    private static readonly string[] TablesAndFigures = ["table1", "table2", "table6", "figure5", "figure10"];
    private static readonly string[] Plots = ["figure5-starter", "figure10-time", "figure10-memory"];

    [Fact]
    public async Task A_small_run_measures_every_result_once_and_writes_the_document()
    {
        using var folder = new TemporaryFolder();

        BufferedCommandResult first = await RunAsync([.. TablesAndFigures, "--small", "--out", folder.Path]);
        Assert.Equal(0, first.ExitCode);
        string runs = await ReadAsync(folder, "runs.jsonl"),
            results = await ReadAsync(folder, "RESULTS.md");
        string[] headings = ["## Table 1", "## Table 2", "## Table 6", "## Figure 5", "## Figure 10"];
        Assert.Equal(
            headings,
            results
                .Split('\n')
                .Where(line => line.StartsWith("## ", StringComparison.Ordinal))
                .Where(line => line.Contains(':', StringComparison.Ordinal))
                .Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)])
        );
        Assert.Equal(
            [
                "Not measured yet: `dotnet run -c Release --project bench/Streaming.Bench.Paper -- engine`.",
                "Not measured yet: `dotnet run -c Release --project bench/Streaming.Bench.Paper -- served`.",
            ],
            results.Split('\n').Where(line => line.StartsWith("Not measured yet", StringComparison.Ordinal))
        );
        foreach (
            string origin in (string[])
                [
                    "- machine: ",
                    "- date: ",
                    "- commit: ",
                    "--project src/Streaming.Cli -- perplexity",
                    "--project src/Streaming.Cli -- bench",
                ]
        )
            Assert.Contains(origin, results, StringComparison.Ordinal);
        foreach (string plot in Plots)
        {
            Assert.Contains($"]({plot}.svg)", results, StringComparison.Ordinal);
            Assert.Contains("<svg", await ReadAsync(folder, plot + ".svg"), StringComparison.Ordinal);
            Assert.Equal(
                "PNG"u8.ToArray(),
                (await File.ReadAllBytesAsync(Path.Combine(folder.Path, plot + ".png"), TestContext.Current.CancellationToken))[1..4]
            );
        }

        // Without a sink the trained start token is evicted, and the perplexity rises (models/README.md).
        double streaming = Perplexity(runs, "--policy streaming --sinks 4 --window 60 --tokens 400 --segment 400 ");
        double withoutSinks = Perplexity(runs, "--policy streaming --sinks 0 --window 64 --tokens 400 --segment 400 ");
        Assert.InRange(withoutSinks / streaming, 2, 100);

        Assert.Equal(0, (await RunAsync([.. TablesAndFigures, "--small", "--out", folder.Path])).ExitCode);
        Assert.Equal(runs, await ReadAsync(folder, "runs.jsonl"));
        Assert.Equal(results, await ReadAsync(folder, "RESULTS.md"));
    }

    [Fact]
    public async Task The_document_names_the_command_for_a_result_that_is_not_measured()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, (await RunAsync("--render", "--out", folder.Path)).ExitCode);
        string results = await ReadAsync(folder, "RESULTS.md");
        Assert.Equal(7, results.Split("Not measured yet").Length - 1);
        Assert.Contains("`dotnet run -c Release --project bench/Streaming.Bench.Paper -- figure10`", results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_of_all_benchmarks_lists_the_duration_of_each_part_and_refuses_an_unknown_one()
    {
        BufferedCommandResult list = await ScriptAsync("--list");
        Assert.Equal(("", 0), (list.StandardError, list.ExitCode));
        string[] parts = ["batch", "long", "snapshots", "idle", .. TablesAndFigures, "engine", "served", "peers"];
        Assert.Equal(parts, list.StandardOutput.Split('\n').Take(parts.Length).Select(line => line.Split(':')[0]));

        BufferedCommandResult refused = await ScriptAsync("table9");
        Assert.Equal(2, refused.ExitCode);
        Assert.StartsWith("'table9' is not a part:", refused.StandardError, StringComparison.Ordinal);
    }

    private static async Task<BufferedCommandResult> ScriptAsync(string argument) =>
        await Cli.Wrap("bash")
            .WithArguments([Repository.PathTo("bench", "all.sh"), argument])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

    private static double Perplexity(string runs, string arguments)
    {
        string line = runs.Split('\n').Single(line => line.Contains(arguments, StringComparison.Ordinal));
        return JsonSerializer.Deserialize<JsonElement>(line).GetProperty("output").GetProperty("perplexity").GetDouble();
    }

    private static Task<string> ReadAsync(TemporaryFolder folder, string file) =>
        File.ReadAllTextAsync(Path.Combine(folder.Path, file), TestContext.Current.CancellationToken);

    private static async Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        await Cli.Wrap("dotnet")
            .WithArguments([Repository.Assembly(Path.Combine("bench", "Streaming.Bench.Paper"), "Streaming.Bench.Paper"), .. arguments])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
}
