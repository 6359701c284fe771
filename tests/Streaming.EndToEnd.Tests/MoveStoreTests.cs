using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;
using Microsoft.AspNetCore.SignalR;
using Streaming.Azurite;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>The command moves a machine's conversations to Azure Storage. There they continue as they would have on that machine.</summary>
public sealed partial class MoveStoreTests : IDisposable
{
    private readonly TemporaryFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_silo_on_Azure_continues_a_moved_conversation_as_the_first_host_would_have()
    {
        await using AzuriteProcess azurite = await AzuriteProcess.StartInMemoryAsync();
        Task<BufferedCommandResult> MoveAsync() => RunAsync(azurite.ConnectionString, "--data", Path.Combine(_data.Path, "store"));
        await using HostProcess embedded = Silo();
        await embedded.StartAsync();
        ChatClient client = await ChatClient.ConnectAsync(embedded.Url);
        ConversationView kept = await client.CreateAsync(
            new
            {
                title = "Kept",
                sinks = 4,
                window = 60,
                sampling = new
                {
                    maxTokens = 100,
                    ignoreEos = true,
                    seed = 3,
                },
            }
        );
        ConversationView deleted = await client.CreateAsync(new { });
        string first = await AskAsync(client, kept.Id, "Tell me a story about a dog.");
        await client.DeleteAsync(deleted.Id);

        BufferedCommandResult whileOpen = await MoveAsync();
        Assert.Equal((2, ""), (whileOpen.ExitCode, whileOpen.StandardOutput));
        Assert.Contains("in use by another host", Assert.Single(whileOpen.StandardError.TrimEnd().Split('\n')), StringComparison.Ordinal);
        await client.DisposeAsync();
        Assert.Equal(0, await embedded.TerminateAsync());

        BufferedCommandResult moved = await MoveAsync();
        Assert.Equal(0, moved.ExitCode);
        // A line every two seconds: none on a fast machine.
        Assert.All(moved.StandardError.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches(Progress(), line));
        Assert.StartsWith("Moved: 2 conversations (1 of them deleted), ", moved.StandardOutput, StringComparison.Ordinal);
        BufferedCommandResult again = await MoveAsync();
        Assert.Equal(0, again.ExitCode);
        Assert.StartsWith("Nothing to do, the store was moved before: 2 conversations", again.StandardOutput, StringComparison.Ordinal);

        // The reply that the first host gives.
        await embedded.StartAsync();
        string expected;
        await using (ChatClient there = await ChatClient.ConnectAsync(embedded.Url, client.Token))
            expected = await AskAsync(there, kept.Id, "And then?");
        await embedded.TerminateAsync();

        await using HostProcess silo = Silo("Storage=Azure", "Clustering=Azure", $"Azure:ConnectionString={azurite.ConnectionString}");
        await silo.StartAsync();
        await using ChatClient here = await ChatClient.ConnectAsync(silo.Url, client.Token);
        ConversationView view = await here.GetAsync(kept.Id);
        Assert.Equal(("Kept", first), (view.Title, await here.ReadTurnTextAsync(kept.Id, 2)));
        Assert.Equal(expected, await AskAsync(here, kept.Id, "And then?"));
        await Assert.ThrowsAsync<HubException>(() => here.GetAsync(deleted.Id));
    }

    [Theory]
    [InlineData("--data", "--data", "")]
    [InlineData("holds no store to move", "--data", "/tmp", "--connection-string", "UseDevelopmentStorage=true")]
    [InlineData("Streaming:Azure:ConnectionString or Streaming:Azure:Account", "--data", "/tmp")]
    [InlineData("Streaming:Azure:Account is 'No_Account'", "--account", "No_Account")]
    [InlineData("Streaming:Azure:Prefix is '1'", "--account", "account", "--prefix", "1")]
    public async Task Bad_input_is_one_line_and_exit_code_2(string said, params string[] arguments)
    {
        BufferedCommandResult result = await RunAsync(null, arguments);

        Assert.Equal((2, ""), (result.ExitCode, result.StandardOutput));
        Assert.Contains(
            said,
            Assert.Single(result.StandardError.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal
        );
    }

    /// <summary>Sends a message, waits until the reply has finished, and returns its text.</summary>
    private static async Task<string> AskAsync(ChatClient client, string id, string text)
    {
        SentView sent = await client.SendAsync(id, text);
        var watcher = new Watcher(id);
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished" && e.Turn > sent.Turn));
        return await client.ReadTurnTextAsync(id, sent.Turn + 1);
    }

    private HostProcess Silo(params string[] settings) =>
        HostProcess.Silo(
            Path.Combine(_data.Path, "store"),
            ClusterPorts.Free(),
            ["Threads=1", "Deterministic=true", "DType=float32", .. settings]
        );

    /// <summary>Runs the command with the account in the environment, as for a host.</summary>
    private static async Task<BufferedCommandResult> RunAsync(string? connectionString, params string[] arguments) =>
        await Cli.Wrap("dotnet")
            .WithArguments([Repository.Assembly(Path.Combine("src", "Streaming.Cli"), "streaming"), "move-store", .. arguments])
            .WithEnvironmentVariables(e => e.Set("Streaming__Azure__ConnectionString", connectionString))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

    [GeneratedRegex(@"^\d+ of \d+ conversations, \d+ events, \d+ token ids$")]
    private static partial Regex Progress();
}
