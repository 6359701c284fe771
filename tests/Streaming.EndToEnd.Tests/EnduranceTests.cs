using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.EndToEnd.Tests;

/// <summary>Small versions of the long conversations of the paper benchmark: 2,000 tokens of the embedded model in rows of 100.</summary>
public class EnduranceTests
{
    private const int Tokens = 2000,
        Row = 100;
    private static readonly IEnumerable<int> Ends = Enumerable.Range(1, Tokens / Row).Select(row => row * Row);

    [Fact]
    public async Task Later_passes_of_the_book_through_one_conversation_have_equal_perplexity()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, (await RunAsync("engine", "--small", "--out", folder.Path)).ExitCode);

        string journal = await ReadAsync(folder, "engine.jsonl");
        Assert.Equal(Ends, Rows(journal, "cost").Select(row => row.GetProperty("end").GetInt32()));
        Assert.Equal(Ends, Rows(journal, "score").Select(row => row.GetProperty("end").GetInt32()));
        Assert.All(
            Rows(journal, "cost"),
            row =>
            {
                double[] quantiles = [row.GetProperty("medianMs").GetDouble(), row.GetProperty("p99Ms").GetDouble()];
                Assert.Equal(quantiles.Order(), quantiles);
                Assert.True(quantiles[0] > 0 && row.GetProperty("meanMs").GetDouble() > 0);
                Assert.InRange(row.GetProperty("residentMiB").GetDouble(), 50, 5000);
            }
        );

        // From the second pass on, the window always holds text of the book, so only rounding differs.
        double[] passes = [.. Rows(journal, "pass").Select(row => row.GetProperty("perplexity").GetDouble())];
        Assert.Equal(3, passes.Length);
        Assert.Equal(passes[1], passes[2], 0.01);
        Assert.InRange(passes[0] / passes[1], 0.98, 1.02);
        Assert.Single(Rows(journal, "end"));
        string results = await ReadAsync(folder, "RESULTS.md");
        Assert.Contains("## 2,000 tokens through the engine", results, StringComparison.Ordinal);
        Assert.Contains("in 3 passes", results, StringComparison.Ordinal);
        Assert.DoesNotContain("the run ended before", results, StringComparison.Ordinal);

        // A second run measures nothing again. A run that was cut short is shown as far as it got.
        Assert.Equal(0, (await RunAsync("engine", "--small", "--out", folder.Path)).ExitCode);
        Assert.Equal(journal, await ReadAsync(folder, "engine.jsonl"));
        string[] lines = journal.Split('\n');
        await File.WriteAllLinesAsync(Path.Combine(folder.Path, "engine.jsonl"), lines[..11], TestContext.Current.CancellationToken);
        Assert.Equal(0, (await RunAsync("--render", "--small", "--out", folder.Path)).ExitCode);
        results = await ReadAsync(folder, "RESULTS.md");
        Assert.Contains("**The run is incomplete: 500 of 2,000 tokens.**", results, StringComparison.Ordinal);
        Assert.Contains("one run, cut short", results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endless_reply_is_watched_while_its_host_is_killed_and_then_scored_from_the_log()
    {
        using var folder = new TemporaryFolder();
        BufferedCommandResult result = await RunAsync("served", "--small", "--out", folder.Path);
        Assert.Equal(("", 0), (result.ExitCode == 0 ? "" : result.StandardError, result.ExitCode));

        string journal = await ReadAsync(folder, "served.jsonl");
        Assert.Equal(Ends, Rows(journal, "cost").Select(row => row.GetProperty("end").GetInt32()));
        double[] log = [.. Rows(journal, "cost").Select(row => row.GetProperty("logMiB").GetDouble())];
        Assert.True(log[^1] > log[0]);
        JsonElement[] returns = [.. Rows(journal, "return")];
        Assert.Equal([100, 2000], returns.Select(row => row.GetProperty("planned").GetInt32()));
        Assert.All(
            returns,
            row =>
            {
                Assert.InRange(
                    row.GetProperty("at").GetInt32(),
                    row.GetProperty("planned").GetInt32(),
                    row.GetProperty("planned").GetInt32() + 100
                );
                Assert.InRange(row.GetProperty("nextTokenSeconds").GetDouble(), row.GetProperty("readySeconds").GetDouble(), 60);
            }
        );

        // Sampled at temperature 1 from 4,096 tokens: noise would have a perplexity near 4,096, and repetition one near 1.
        JsonElement[] scores = [.. Rows(journal, "score")];
        Assert.Equal(Ends, scores.Select(row => row.GetProperty("end").GetInt32()).Where(end => end <= Tokens));
        Assert.All(scores, row => Assert.InRange(row.GetProperty("perplexity").GetDouble(), 1.5, 1000));
        Assert.Single(Rows(journal, "end"));
        string results = await ReadAsync(folder, "RESULTS.md");
        Assert.Contains("## 2,000 tokens served", results, StringComparison.Ordinal);
        Assert.DoesNotContain("the run ended before", results, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--tokens is 5000", "engine", "--tokens", "5000")]
    [InlineData("'table9'", "table9")]
    public async Task An_indivisible_length_and_an_unknown_part_are_refused(string said, params string[] arguments)
    {
        BufferedCommandResult result = await RunAsync(arguments);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(said, result.StandardError, StringComparison.Ordinal);
    }

    /// <summary>The lines of one kind in a journal.</summary>
    private static IEnumerable<JsonElement> Rows(string journal, string kind) =>
        journal
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line))
            .Where(line => line.TryGetProperty(kind, out _))
            .Select(line => line.GetProperty(kind));

    private static Task<string> ReadAsync(TemporaryFolder folder, string file) =>
        File.ReadAllTextAsync(Path.Combine(folder.Path, file), TestContext.Current.CancellationToken);

    private static async Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        await Cli.Wrap("dotnet")
            .WithArguments([Repository.Assembly(Path.Combine("bench", "Streaming.Bench.Paper"), "Streaming.Bench.Paper"), .. arguments])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
}
