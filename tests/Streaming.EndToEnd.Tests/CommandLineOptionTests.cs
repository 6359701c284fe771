using System.Diagnostics;
using System.Text;
using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.EndToEnd.Tests;

/// <summary>Options of the <c>streaming</c> command beyond <see cref="CommandLineTests"/>.</summary>
public class CommandLineOptionTests
{
    private const string Story = "Tell me a story that never ends.";

    [Fact]
    public async Task Ends_a_reply_before_a_stop_string()
    {
        string[] command = ["generate", "--prompt", "What is 2 plus 3?", "--temperature", "0", "--threads", "1"];
        string whole = (await RunAsync(command)).StandardOutput;
        Assert.Contains("plus", whole, StringComparison.Ordinal);
        string cut = (await RunAsync([.. command, "--stop", "never said", "--stop", "plus"])).StandardOutput;
        Assert.Equal(whole[..whole.IndexOf("plus", StringComparison.Ordinal)], cut);
    }

    [Fact]
    public async Task Writes_log_probabilities_and_never_samples_a_token_with_a_bias_of_minus_100()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "tokens.jsonl");
        string[] command =
        [
            "generate",
            "--prompt",
            "What is 2 plus 3?",
            "--temperature",
            "0",
            "--max-tokens",
            "5",
            "--threads",
            "1",
            "--logprobs",
            file,
            "--top-logprobs",
            "2",
        ];
        await RunAsync(command);
        (int Sampled, double Log, int[] Top)[] free = await ReadAsync();
        await RunAsync([.. command, "--logit-bias", $"{free[0].Sampled}=-100"]);
        (int Sampled, double Log, int[] Top)[] biased = await ReadAsync();

        Assert.All(free, token => Assert.Equal(token.Sampled, token.Top[0]));
        Assert.All(free, token => Assert.InRange(token.Log, -20, 0));
        Assert.Equal(free[0].Top, biased[0].Top); // the model's own, before the bias
        Assert.Equal(free[0].Top[1], biased[0].Sampled);
        await AssertRefusedAsync("--logit-bias is 'twelve=1'", [.. command, "--logit-bias", "twelve=1"]);
        await AssertRefusedAsync("--top-logprobs needs a file", "generate", "--prompt", "Hello!", "--top-logprobs", "2");

        async Task<(int, double, int[])[]> ReadAsync() =>
            [
                .. (await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken))
                    .Select(line => JsonDocument.Parse(line).RootElement)
                    .Select(token =>
                        (
                            token.GetProperty("sampled").GetProperty("id").GetInt32(),
                            token.GetProperty("sampled").GetProperty("logProbability").GetDouble(),
                            token.GetProperty("top").EnumerateArray().Select(t => t.GetProperty("id").GetInt32()).ToArray()
                        )
                    ),
            ];
    }

    [Fact]
    public async Task Forbids_tokens_and_ends_at_control_tokens_as_the_options_say()
    {
        string[] command = ["generate", "--prompt", "Hello!", "--temperature", "0", "--max-tokens", "80", "--threads", "1"];
        const int endOfTurn = 2;
        string whole = (await RunAsync(command)).StandardOutput;

        using JsonDocument longer = await StatsOfAsync([.. command, "--min-new-tokens", "70"]);
        Assert.InRange(longer.RootElement.GetProperty("generatedTokens").GetInt64(), 70, 80);
        using JsonDocument endless = await StatsOfAsync([.. command, "--suppress-tokens", $"{endOfTurn},3", "--bad-words-ids", "5,6"]);
        Assert.Equal("length", endless.RootElement.GetProperty("finishReason").GetString());
        Assert.Equal(whole, (await RunAsync([.. command, "--stop", "<|im_end|>", "--no-repeat-ngram-size", "40"])).StandardOutput);

        await AssertRefusedAsync("--bad-words-ids is '5,six'", [.. command, "--bad-words-ids", "5,six"]);
        await AssertRefusedAsync("SuppressTokens names the token 4096", [.. command, "--suppress-tokens", "4096"]);
        await AssertRefusedAsync("joins a control token", [.. command, "--stop", "<|im_end|>!"]);
        await AssertRefusedAsync("--stop names a control token", [.. command, "--stop", "<|im_end|>", "--ignore-eos"]);
    }

    [Theory]
    [InlineData("float32"), InlineData("int8")]
    public async Task Repeats_a_deterministic_reply_beyond_its_window_with_any_number_of_threads(string type)
    {
        string[] command =
        [
            "generate",
            "--prompt",
            Story,
            "--seed",
            "5",
            "--max-tokens",
            "100",
            "--ignore-eos",
            "--sinks",
            "4",
            "--window",
            "28",
            "--deterministic",
            "--dtype",
            type,
            "--threads",
        ];
        string one = (await RunAsync([.. command, "1"])).StandardOutput;
        Assert.InRange(one.Length, 50, 10_000);
        Assert.Equal(one, (await RunAsync([.. command, "3"])).StandardOutput);
    }

    [Fact]
    public async Task Continues_a_reply_beyond_its_window()
    {
        using JsonDocument stats = await StatsOfAsync(
            "generate",
            "--prompt",
            Story,
            "--max-tokens",
            "150",
            "--ignore-eos",
            "--sinks",
            "4",
            "--window",
            "28",
            "--threads",
            "1"
        );
        Assert.Equal(150, stats.RootElement.GetProperty("generatedTokens").GetInt64());
        Assert.Equal("length", stats.RootElement.GetProperty("finishReason").GetString());
        Assert.Equal(stats.RootElement.GetProperty("promptTokens").GetInt64() + 150, stats.RootElement.GetProperty("position").GetInt64());
    }

    [Fact]
    public async Task Chats_in_one_stream()
    {
        using JsonDocument stats = await StatsOfAsync(
            Streaming("chat", "--temperature", "0", "--max-tokens", "12", "--threads", "1")
                .WithStandardInputPipe(PipeSource.FromString("Hello!\n\nWhat is 2 plus 3?\nThank you, goodbye!\n"))
        );
        JsonElement all = stats.RootElement;
        // The last sampled token of a reply is fed with the next message, so it counts in both.
        Assert.Equal(
            all.GetProperty("promptTokens").GetInt64() + all.GetProperty("generatedTokens").GetInt64() - 2,
            all.GetProperty("position").GetInt64()
        );
    }

    [Fact]
    public async Task Reports_a_random_seed_that_repeats_the_reply()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "stats.json");
        string[] command =
        [
            "generate",
            "--prompt",
            "Hello!",
            "--max-tokens",
            "30",
            "--threads",
            "1",
            "--dtype",
            "float32",
            "--stats",
            file,
        ];
        string first = (await RunAsync(command)).StandardOutput;
        using var stats = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        string seed = stats.RootElement.GetProperty("seed").GetRawText();
        Assert.Equal(first, (await RunAsync([.. command, "--seed", seed])).StandardOutput);
    }

    [Fact]
    public async Task Writes_the_text_so_far_and_the_stats_when_a_signal_stops_a_reply()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent by kill.");
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "stats.json");
        string[] arguments = ["generate", "--prompt", Story, "--max-tokens", "0", "--ignore-eos", "--threads", "1", "--stats", file];
        using Process process = Process.Start(
            new ProcessStartInfo("dotnet", [Assembly, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        char[] buffer = new char[1];
        Assert.Equal(
            1,
            await process
                .StandardOutput.ReadBlockAsync(buffer, TestContext.Current.CancellationToken)
                .AsTask()
                .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)
        );
        Process.Start("kill", ["-TERM", process.Id.ToString()]).WaitForExit();
        await process
            .StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Equal(130, process.ExitCode);
        using var stats = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal("stopped", stats.RootElement.GetProperty("finishReason").GetString());
    }

    [Fact]
    public async Task Tokenizes_a_file_like_the_same_text()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "text.txt");
        await File.WriteAllTextAsync(file, "日本語\n<|im_end|>", TestContext.Current.CancellationToken);
        Assert.Equal(
            (await RunAsync("tokenize", "--text", "日本語\n<|im_end|>")).StandardOutput,
            (await RunAsync("tokenize", "--text-file", file)).StandardOutput
        );
        await File.WriteAllBytesAsync(file, [(byte)'a', 0xFF], TestContext.Current.CancellationToken);
        await AssertRefusedAsync("not UTF-8", "tokenize", "--text-file", file);
    }

    [Theory]
    [InlineData("--text-file", "tokenize", "--text", "a", "--text-file", "b")]
    [InlineData("/no/such/file", "tokenize", "--text-file", "/no/such/file")]
    [InlineData("--prompt", "generate", "--prompt", "")]
    [InlineData("Deterministic mode", "generate", "--prompt", "x", "--deterministic", "--dtype", "bfloat16")]
    [InlineData("--stats", "generate", "--prompt", "x", "--stats")]
    [InlineData("/no/such/folder/s.json", "generate", "--prompt", "x", "--stats", "/no/such/folder/s.json")]
    [InlineData("1024", "generate", "--prompt", "x", "--sinks", "4", "--window", "1021")]
    [InlineData("1024 sinks leave no window", "generate", "--prompt", "x", "--sinks", "1024")]
    [InlineData("The device cuda:0 is not available", "generate", "--prompt", "x", "--device", "cuda:0")]
    [InlineData("There is no device gpu", "bench", "--policy", "window", "--device", "gpu")]
    [InlineData("--device", "chat", "--device", "")]
    [InlineData("--top-p", "generate", "--prompt", "x", "--top-p", "1.5")]
    [InlineData("--top-k", "chat", "--top-k", "1.5")]
    [InlineData("--seed", "chat", "--seed", "-1")]
    [InlineData("'--windw'", "chat", "--windw", "5")]
    [InlineData("stop string", "generate", "--prompt", "x", "--stop", "")]
    public Task Reports_bad_input_in_one_line_with_exit_code_2(string named, params string[] arguments) =>
        AssertRefusedAsync(named, arguments);

    private static string Assembly => Repository.Assembly(Path.Combine("src", "Streaming.Cli"), "streaming");

    private static async Task AssertRefusedAsync(string named, params string[] arguments)
    {
        BufferedCommandResult result = await RunAsync(arguments);
        Assert.Equal("", result.StandardOutput);
        Assert.Contains(
            named,
            Assert.Single(result.StandardError.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal
        );
        Assert.Equal(2, result.ExitCode);
    }

    private static Task<JsonDocument> StatsOfAsync(params string[] arguments) => StatsOfAsync(Streaming(arguments));

    private static async Task<JsonDocument> StatsOfAsync(Command command)
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "stats.json");
        BufferedCommandResult result = await command
            .WithArguments($"{command.Arguments} --stats {file}")
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", result.StandardError);
        Assert.Equal(0, result.ExitCode);
        return JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    private static async Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        await Streaming(arguments).ExecuteBufferedAsync(Encoding.UTF8, TestContext.Current.CancellationToken);

    private static Command Streaming(params string[] arguments) =>
        Cli.Wrap("dotnet").WithArguments([Assembly, .. arguments]).WithValidation(CommandResultValidation.None);
}
