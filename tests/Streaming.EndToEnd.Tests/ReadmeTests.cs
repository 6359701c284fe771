using CliWrap;
using CliWrap.Buffered;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>The commands in the README work as they stand, except that they do not build again.</summary>
public class ReadmeTests
{
    private const string Run = "dotnet run -c Release ";
    private const string CommandLine = Run + "--project src/Streaming.Cli -- ";

    public static TheoryData<string> Commands() => [.. Lines().Where(l => l.StartsWith(CommandLine, StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_command_of_the_README_runs(string command)
    {
        BufferedCommandResult result = await Cli.Wrap("bash")
            .WithArguments(["-c", command.Replace(Run, Run + "--no-build ", StringComparison.Ordinal)])
            .WithWorkingDirectory(Repository.Root)
            .WithStandardInputPipe(PipeSource.FromString("Hello!\n")) // for chat
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", result.StandardError.Trim());
        Assert.Equal(0, result.ExitCode);
        Assert.NotEqual("", result.StandardOutput.Trim());
    }

    [Fact]
    public async Task The_first_command_of_the_README_starts_a_chat()
    {
        string command = Lines().First(l => l.StartsWith(Run, StringComparison.Ordinal));
        Assert.Equal(Run + "--project silo", command);
        using var data = new TemporaryFolder();
        var ports = ClusterPorts.Free();
        await using var silo = HostProcess.FromCommand(
            command.Replace(Run, Run + "--no-build ", StringComparison.Ordinal),
            data.Path,
            ports
        );
        await silo.StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string id = (await client.CreateAsync(new { sampling = new { maxTokens = 4 } })).Id;
        await client.SendAsync(id, "Hello!");
        Assert.True(await new Watcher(id).UntilAsync(client, e => e.Kind == "finished"));

        // The client of docs/contracts.md talks to the same silo.
        BufferedCommandResult example = await Cli.Wrap("node")
            .WithArguments(["--input-type=module", "-", silo.Url])
            .WithWorkingDirectory(Path.Combine(Repository.Root, "src", "Streaming.Gateway", "page")) // has the package that it imports
            .WithStandardInputPipe(PipeSource.FromString(ExampleOf("contracts.md")))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0, ""), (example.ExitCode, example.StandardError));
        Assert.NotEqual("", example.StandardOutput.Trim());
    }

    /// <summary>The program in JavaScript of a document.</summary>
    private static string ExampleOf(string document) =>
        string.Join(
            '\n',
            File.ReadLines(Path.Combine(Repository.Root, "docs", document)).SkipWhile(l => l != "```js").Skip(1).TakeWhile(l => l != "```")
        );

    private static IEnumerable<string> Lines() => File.ReadLines(Path.Combine(Repository.Root, "README.md")).Select(l => l.Trim());
}
