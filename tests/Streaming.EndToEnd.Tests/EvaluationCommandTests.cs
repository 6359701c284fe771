using System.Diagnostics;
using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.EndToEnd.Tests;

/// <summary>The commands <c>streaming perplexity</c> and <c>streaming bench</c>, run as processes.</summary>
public class EvaluationCommandTests
{
    private const int Interrupt = 2; // SIGINT
    private const int Interrupted = 130;

    [Theory]
    [InlineData("streaming", 156.5), InlineData("window", 4987.0)]
    public async Task Measures_the_embedded_models_perplexities_before_and_after_the_first_eviction(string policy, double afterEviction)
    {
        JsonElement result = await JsonOfAsync(
            "perplexity",
            "--text",
            Book,
            "--policy",
            policy,
            "--sinks",
            "4",
            "--window",
            "252",
            "--tokens",
            "3000",
            "--dtype",
            "float32",
            "--threads",
            "1",
            "--json"
        );

        (long Tokens, double Nll)[] segments =
        [
            .. result
                .GetProperty("segments")
                .EnumerateArray()
                .Select(segment => (segment.GetProperty("tokens").GetInt64(), Math.Log(segment.GetProperty("perplexity").GetDouble()))),
        ];
        Assert.Equal(91.3, Math.Exp(segments[0].Nll), 0.1);
        Assert.Equal(
            afterEviction,
            Math.Exp(segments[1..].Sum(s => s.Tokens * s.Nll) / segments[1..].Sum(s => s.Tokens)),
            0.001 * afterEviction
        );
    }

    [Theory]
    [InlineData("dense"), InlineData("window"), InlineData("recompute"), InlineData("streaming")]
    public async Task Perplexity_prints_the_documented_json_and_its_segments_add_up(string policy)
    {
        JsonElement result = await JsonOfAsync(
            "perplexity",
            "--text",
            Readme,
            "--policy",
            policy,
            "--sinks",
            "4",
            "--window",
            "28",
            "--tokens",
            "100",
            "--dtype",
            "float32",
            "--threads",
            "1",
            "--json"
        );

        Assert.Equal(
            ["policy", "sinks", "window", "tokens", "nll", "perplexity", "msPerToken", "segments"],
            result.EnumerateObject().Select(p => p.Name)
        );
        Assert.Equal(policy, result.GetProperty("policy").GetString());
        Assert.Equal(
            (4, 28, 100),
            (result.GetProperty("sinks").GetInt32(), result.GetProperty("window").GetInt32(), result.GetProperty("tokens").GetInt32())
        );
        JsonElement[] segments = [.. result.GetProperty("segments").EnumerateArray()];
        Assert.All(segments, segment => Assert.Equal(["tokens", "perplexity"], segment.EnumerateObject().Select(p => p.Name)));
        Assert.Equal([32, 32, 32, 4], segments.Select(segment => segment.GetProperty("tokens").GetInt32()));
        double nll = result.GetProperty("nll").GetDouble();
        Assert.Equal(
            nll,
            segments.Sum(s => s.GetProperty("tokens").GetInt32() * Math.Log(s.GetProperty("perplexity").GetDouble())) / 100,
            1e-9
        );
        Assert.Equal(Math.Exp(nll), result.GetProperty("perplexity").GetDouble(), 1e-9);
        Assert.True(result.GetProperty("msPerToken").GetDouble() > 0);
    }

    [Fact]
    public async Task Ctrl_C_prints_the_results_so_far()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux(),
            "The test sends signals with kill, and needs GNU's env in case it runs in the background, where SIGINT is ignored."
        );
        using Process process = Process.Start(
            new ProcessStartInfo(
                "env",
                [
                    "--default-signal=INT",
                    "dotnet",
                    Program,
                    "perplexity",
                    "--text",
                    Readme,
                    "--policy",
                    "streaming",
                    "--sinks",
                    "4",
                    "--window",
                    "28",
                    "--tokens",
                    "50000000",
                    "--repeat",
                    "--segment",
                    "50000000",
                    "--threads",
                    "1",
                    "--json",
                ]
            )
            {
                RedirectStandardOutput = true,
            }
        )!;
        try
        {
            // Starting and loading take about two seconds of processor time, so after eight the command is scoring.
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            deadline.CancelAfter(TimeSpan.FromMinutes(2));
            using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            while (process.TotalProcessorTime < TimeSpan.FromSeconds(8))
                Assert.True(await look.WaitForNextTickAsync(deadline.Token));
            await Cli.Wrap("kill").WithArguments([$"-{Interrupt}", $"{process.Id}"]).ExecuteAsync(deadline.Token);

            JsonElement result = JsonSerializer.Deserialize<JsonElement>(await process.StandardOutput.ReadToEndAsync(deadline.Token));
            await process.WaitForExitAsync(deadline.Token);
            Assert.Equal(Interrupted, process.ExitCode);
            Assert.InRange(result.GetProperty("tokens").GetInt64(), 1, 49_999_999);
            Assert.True(double.IsFinite(result.GetProperty("perplexity").GetDouble()));
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public async Task Bench_prints_a_line_for_each_cache_size_and_batch_size()
    {
        BufferedCommandResult result = await RunAsync(
            "bench",
            "--policy",
            "streaming",
            "--sinks",
            "4",
            "--window",
            "28",
            "60",
            "--batch",
            "1",
            "3",
            "--tokens",
            "5",
            "--dtype",
            "float32",
            "--threads",
            "1",
            "--json"
        );

        JsonElement[] lines =
        [
            .. result
                .StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonSerializer.Deserialize<JsonElement>(line)),
        ];
        Assert.Equal(
            [(28, 1), (28, 3), (60, 1), (60, 3)],
            lines.Select(line => (line.GetProperty("window").GetInt32(), line.GetProperty("batch").GetInt32()))
        );
        Assert.All(
            lines,
            line =>
            {
                Assert.Equal(
                    [
                        "model",
                        "policy",
                        "sinks",
                        "window",
                        "batch",
                        "tokens",
                        "dtype",
                        "threads",
                        "msPerToken",
                        "p99Ms",
                        "tokensPerSecond",
                        "cacheMiB",
                        "peakMiB",
                    ],
                    line.EnumerateObject().Select(p => p.Name)
                );
                Assert.Equal(
                    ("starter", "streaming", "float32", 5),
                    (
                        line.GetProperty("model").GetString(),
                        line.GetProperty("policy").GetString(),
                        line.GetProperty("dtype").GetString(),
                        line.GetProperty("tokens").GetInt32()
                    )
                );
                // Keys and values of 5 layers and 2 heads of 64, in float32.
                int places = line.GetProperty("batch").GetInt32() * (4 + line.GetProperty("window").GetInt32());
                Assert.Equal(2.0 * 5 * 2 * 64 * 4 * places / (1 << 20), line.GetProperty("cacheMiB").GetDouble(), 1e-9);
                Assert.True(line.GetProperty("peakMiB").GetDouble() > line.GetProperty("cacheMiB").GetDouble());
            }
        );
        Assert.Equal("", result.StandardError);
    }

    [Theory]
    [InlineData("perplexity", "Reset rule"), InlineData("bench", "to an empty cache")]
    public async Task Help_explains_how_the_numbers_are_measured(string command, string text)
    {
        BufferedCommandResult result = await RunAsync(command, "--help");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains(text, result.StandardOutput, StringComparison.Ordinal);
        Assert.DoesNotContain(text, (await RunAsync("--help")).StandardOutput, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--text", "perplexity", "--policy", "dense")]
    [InlineData("--policy is 'all'", "perplexity", "--text", "README.md", "--policy", "all")]
    [InlineData("/nowhere/at/all", "perplexity", "--text", "/nowhere/at/all", "--policy", "dense")]
    [InlineData("--repeat", "perplexity", "--text", "README.md", "--policy", "dense", "--repeat")]
    [InlineData("a window of at most 1020", "perplexity", "--text", "README.md", "--policy", "streaming", "--window", "4092")]
    [InlineData("--window is '0'", "bench", "--policy", "dense", "--window", "0")]
    [InlineData("--batch is '2000'", "bench", "--policy", "dense", "--batch", "1", "2000")]
    [InlineData("--model or --shape", "bench", "--policy", "dense", "--model", "x", "--shape", "smol135m")]
    [InlineData("smol135m or llama1b", "bench", "--policy", "dense", "--shape", "huge")]
    public async Task Reports_bad_input_in_one_line_with_exit_code_2(string named, params string[] arguments)
    {
        BufferedCommandResult result = await RunAsync(arguments);
        Assert.Equal((2, ""), (result.ExitCode, result.StandardOutput));
        Assert.Contains(
            named,
            Assert.Single(result.StandardError.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal
        );
    }

    private static string Program => Repository.Assembly(Path.Combine("src", "Streaming.Cli"), "streaming");

    private static string Readme => Path.Combine(Repository.Root, "README.md");

    private static string Book => Repository.Fixture("books", "Great-Expectations_1400.txt");

    private static async Task<JsonElement> JsonOfAsync(params string[] arguments)
    {
        BufferedCommandResult result = await RunAsync(arguments);
        Assert.Equal(("", 0), (result.StandardError, result.ExitCode));
        return JsonSerializer.Deserialize<JsonElement>(result.StandardOutput);
    }

    private static async Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        await Cli.Wrap("dotnet")
            .WithArguments([Program, .. arguments])
            .WithWorkingDirectory(Repository.Root)
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
}
