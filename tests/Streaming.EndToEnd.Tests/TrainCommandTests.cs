using System.Text;
using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;

namespace Streaming.EndToEnd.Tests;

/// <summary>The commands <c>streaming train</c> and <c>streaming evaluate</c>, run as processes.</summary>
public class TrainCommandTests
{
    private static readonly string[] Shape =
    [
        "--vocabulary",
        "300",
        "--layers",
        "2",
        "--hidden",
        "32",
        "--intermediate",
        "48",
        "--heads",
        "2",
        "--kv-heads",
        "1",
        "--head-dim",
        "16",
        "--batch",
        "256",
        "--lengths",
        "32,64@0.5",
        "--threads",
        "1",
    ];

    [Fact]
    public async Task Trains_a_model_resumes_the_training_and_evaluates_the_model()
    {
        using var folder = new TemporaryFolder();
        string[] common = Common(folder.Path);
        BufferedCommandResult first = await RunAsync([.. common, "--tokens", "2560", "--steps", "3"]);
        Assert.Equal((0, ""), (first.ExitCode, first.StandardOutput));
        BufferedCommandResult second = await RunAsync([.. common, "--tokens", "2560"]);
        string model = Path.Combine(folder.Path, "model");
        Assert.Equal((0, model), (second.ExitCode, second.StandardOutput.Trim()));
        Assert.Contains("resumed at step 3, 768 tokens", second.StandardError, StringComparison.Ordinal);

        BufferedCommandResult reply = await RunAsync(
            "generate",
            "--model",
            model,
            "--prompt",
            "Hello!",
            "--ignore-eos",
            "--max-tokens",
            "20",
            "--window",
            "60",
            "--threads",
            "1"
        );
        Assert.Equal((0, ""), (reply.ExitCode, reply.StandardError));
        Assert.NotEqual("", reply.StandardOutput);

        BufferedCommandResult evaluated = await RunAsync(
            "evaluate",
            "--model",
            model,
            "--mixture",
            Path.Combine(folder.Path, "mixture.json"),
            "--data",
            folder.Path,
            "--length",
            "64",
            "--story-tokens",
            "50",
            "--threads",
            "1"
        );
        Assert.Equal(0, evaluated.ExitCode);
        using var report = JsonDocument.Parse(evaluated.StandardOutput);
        Assert.Equal(50, report.RootElement.GetProperty("openings").GetArrayLength());
        Assert.Equal(50, report.RootElement.GetProperty("story").GetProperty("tokens").GetInt32());
    }

    [Theory]
    [InlineData("/nowhere/mixture.json", "--mixture", "/nowhere/mixture.json")]
    [InlineData("/nowhere/data", "--data", "/nowhere/data")]
    [InlineData("write lengths as in", "--lengths", "long")]
    [InlineData("do not fill a step", "--lengths", "100")]
    [InlineData("--dtype", "--dtype", "int8")]
    [InlineData("--tokens", "--tokens", "many")]
    [InlineData("--sink-share", "--sink-share", "2")]
    [InlineData("has no tokenizer.json", "--tokenizer", "/tmp")]
    public async Task Reports_bad_input_in_one_line_with_exit_code_2(string named, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        string[] common = Common(folder.Path);
        int replaced = Array.IndexOf(common, arguments[0]);
        BufferedCommandResult result = await RunAsync(
            replaced < 0 ? [.. common, .. arguments] : [.. common[..replaced], .. arguments, .. common[(replaced + 2)..]]
        );
        Assert.Equal("", result.StandardOutput);
        string line = Assert.Single(result.StandardError.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(named, line, StringComparison.Ordinal);
        Assert.Equal(2, result.ExitCode);
    }

    /// <summary>A command with training texts in the given folder.</summary>
    private static string[] Common(string folder)
    {
        string[] words = ["red", "blue", "green", "small", "large", "round"];
        File.WriteAllText(
            Path.Combine(folder, "talk.jsonl"),
            string.Concat(
                Enumerable
                    .Range(0, 120)
                    .Select(i =>
                        JsonSerializer.Serialize(
                            new
                            {
                                messages = new[]
                                {
                                    new { role = "user", content = $"Is it {words[i % 6]}?" },
                                    new { role = "assistant", content = $"It is {words[i % 6]} and {words[i % 5]}." },
                                },
                            }
                        ) + "\n"
                    )
            )
        );
        File.WriteAllText(
            Path.Combine(folder, "mixture.json"),
            """
            { "sources": [{ "name": "talk", "dialogues": "talk.jsonl", "share": 1, "kind": "Chat" },
                          { "name": "small-talk", "generator": "small-talk", "share": 1, "kind": "Chat" }],
              "systemPrompts": { "Chat": ["Chat."] } }
            """
        );
        return
        [
            "train",
            "--mixture",
            Path.Combine(folder, "mixture.json"),
            "--data",
            folder,
            "--work",
            Path.Combine(folder, "work"),
            "--output",
            Path.Combine(folder, "model"),
            .. Shape,
        ];
    }

    private static async Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        await Cli.Wrap("dotnet")
            .WithArguments([Repository.Assembly(Path.Combine("src", "Streaming.Cli"), "streaming"), .. arguments])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(Encoding.UTF8, TestContext.Current.CancellationToken);
}
