using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.EndToEnd.Tests;

/// <summary>The <c>streaming</c> command, run as a process.</summary>
public class CommandLineTests
{
    [Fact]
    public async Task Generate_prints_the_published_text_of_stories260K()
    {
        string model = Repository.PathTo("..", "shared", "models", "stories260K");
        Assert.SkipUnless(Directory.Exists(model), $"The model stories260K is not in '{model}' (tests/fixtures/README.md).");
        using var expected = JsonDocument.Parse(
            await File.ReadAllTextAsync(Path.Combine(model, "expected_greedy.json"), TestContext.Current.CancellationToken)
        );
        BufferedCommandResult result = await RunAsync(
            "generate",
            "--model",
            model,
            "--prompt",
            "",
            "--raw",
            "--temperature",
            "0",
            "--max-tokens",
            "200",
            "--sinks",
            "4",
            "--window",
            "508",
            "--dtype",
            "float32"
        );
        Assert.Equal(expected.RootElement.GetProperty("expected_text").GetString(), result.StandardOutput.TrimEnd('\n'));
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Generate_with_a_seed_repeats_its_reply_and_writes_stats()
    {
        using var folder = new TemporaryFolder();
        string stats = Path.Combine(folder.Path, "stats.json");
        string[] command =
        [
            "generate",
            "--prompt",
            "Tell me a story about a dog.",
            "--seed",
            "5",
            "--max-tokens",
            "40",
            "--sinks",
            "4",
            "--window",
            "28",
            "--stats",
            stats,
        ];
        BufferedCommandResult first = await RunAsync(command);
        Assert.Equal(first.StandardOutput, (await RunAsync(command)).StandardOutput);
        using var written = JsonDocument.Parse(await File.ReadAllTextAsync(stats, TestContext.Current.CancellationToken));
        Assert.Equal(
            [
                "promptTokens",
                "generatedTokens",
                "finishReason",
                "seed",
                "position",
                "sinks",
                "window",
                "prefillMs",
                "decodeMs",
                "tokensPerSecond",
            ],
            written.RootElement.EnumerateObject().Select(p => p.Name)
        );
        Assert.Equal(5, written.RootElement.GetProperty("seed").GetInt64());
        Assert.Equal(28, written.RootElement.GetProperty("window").GetInt32());
    }

    [Fact]
    public async Task Tokenize_prints_ids_and_distinguishes_control_tokens_from_plain_text()
    {
        Assert.Equal("[0,1]", (await RunAsync("tokenize", "--text", "<|im_start|>")).StandardOutput.Trim());
        Assert.Equal("[1]", (await RunAsync("tokenize", "--text", "<|im_start|>", "--no-bos")).StandardOutput.Trim());
        int[] plain = JsonSerializer.Deserialize<int[]>(
            (await RunAsync("tokenize", "--text", "<|im_start|>", "--plain", "--no-bos")).StandardOutput
        )!;
        Assert.DoesNotContain(1, plain);
    }

    [Fact]
    public async Task Chat_answers_every_line_until_the_input_ends()
    {
        BufferedCommandResult result = await Streaming("chat", "--temperature", "0", "--max-tokens", "12")
            .WithStandardInputPipe(PipeSource.FromString("Hello!\nWhat is 2 plus 3?\n"))
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("5", result.StandardOutput, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nowhere/at/all", "generate", "--model", "/nowhere/at/all", "--prompt", "x")]
    [InlineData("--temperature", "generate", "--prompt", "x", "--temperature", "warm")]
    [InlineData("--window", "generate", "--prompt", "x", "--window", "0")]
    [InlineData("--dtype", "generate", "--prompt", "x", "--dtype", "float8")]
    [InlineData("--prompt", "generate")]
    [InlineData("generat", "generat")]
    [InlineData("--model", "generate", "--model", "", "--prompt", "x")]
    [InlineData("--stats", "generate", "--stats", "", "--prompt", "x")]
    [InlineData("--text-file", "tokenize", "--text-file", "")]
    [InlineData("--text", "tokenize")]
    public async Task Reports_bad_input_in_one_line_with_exit_code_2(string named, params string[] arguments)
    {
        BufferedCommandResult result = await RunAsync(arguments);
        Assert.Equal(2, result.ExitCode);
        Assert.Equal("", result.StandardOutput);
        string line = Assert.Single(result.StandardError.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(named, line, StringComparison.Ordinal);
    }

    private static async Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        await Streaming(arguments).ExecuteBufferedAsync(TestContext.Current.CancellationToken);

    private static Command Streaming(params string[] arguments) =>
        Cli.Wrap("dotnet")
            .WithArguments([Repository.Assembly(Path.Combine("src", "Streaming.Cli"), "streaming"), .. arguments])
            .WithValidation(CommandResultValidation.None);
}
