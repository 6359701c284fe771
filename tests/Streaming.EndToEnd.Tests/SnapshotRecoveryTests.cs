using System.Globalization;
using System.Text.RegularExpressions;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>In deterministic mode, a reply continues with the same text after a kill, with a snapshot and without one.</summary>
public partial class SnapshotRecoveryTests
{
    private const int Tokens = 1000;
    private const int RebuildTokens = 359; // tokens that a rebuild of this window prefills

    [Fact]
    public async Task A_reply_killed_in_the_middle_continues_with_the_same_text_from_a_snapshot_and_without_one()
    {
        using var data = new TemporaryFolder();
        await using var silo = HostProcess.Silo(data.Path, ClusterPorts.Free(), "Deterministic=true", "SnapshotTokens=40", "Threads=1");
        await silo.StartAsync();
        ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string undisturbed = (await FinishAsync(client, await BeginAsync(client))).Text;
        Assert.NotEqual("", undisturbed);

        string snapshots = Path.Combine(data.Path, "snapshots");
        // Killed well past the first eviction: the snapshot is older than what was shown.
        Watcher watched = await UntilKilledAsync(silo, client, snapshots);
        await silo.StartAsync();
        client = await ChatClient.ConnectAsync(silo.Url, client.Token);
        Assert.Equal(undisturbed, (await FinishAsync(client, watched)).Text);
        Match restored = GoesOn().Match(silo.Output);
        Assert.True(restored.Success, silo.Output);
        Assert.InRange(long.Parse(restored.Groups["position"].Value, CultureInfo.InvariantCulture), 60, Tokens);
        Assert.InRange(int.Parse(restored.Groups["tokens"].Value, CultureInfo.InvariantCulture), 1, RebuildTokens - 1);

        // Again, with every snapshot damaged in its middle.
        watched = await UntilKilledAsync(silo, client, snapshots);
        foreach (string file in Stored(snapshots))
            Damage(file);
        int before = silo.Output.Length;
        await silo.StartAsync();
        client = await ChatClient.ConnectAsync(silo.Url, client.Token);
        Assert.Equal(undisturbed, (await FinishAsync(client, watched)).Text);
        string output = silo.Output[before..];
        Assert.Contains("is refused and removed. Its checksum is wrong.", output, StringComparison.Ordinal);
        Assert.Contains("its slot is rebuilt from the log at position", output, StringComparison.Ordinal);
        Assert.DoesNotMatch(GoesOn(), output);
        await client.DisposeAsync();
    }

    private static async Task<Watcher> BeginAsync(ChatClient client)
    {
        ConversationView conversation = await client.CreateAsync(
            new
            {
                sinks = 4,
                window = 60,
                sampling = new
                {
                    maxTokens = Tokens,
                    ignoreEos = true,
                    seed = 11,
                },
            }
        );
        await client.SendAsync(conversation.Id, "Tell me a story of a fox and a well.");
        return new Watcher(conversation.Id);
    }

    /// <summary>Kills the silo in mid-reply, once a snapshot of that reply is stored: this happens in the background.</summary>
    private static async Task<Watcher> UntilKilledAsync(HostProcess silo, ChatClient client, string snapshots)
    {
        HashSet<string> earlier = [.. Stored(snapshots)];
        Watcher watcher = await BeginAsync(client);
        Assert.True(await watcher.UntilAsync(client, e => e.Seq >= 220 && Stored(snapshots).Any(s => !earlier.Contains(s))), silo.Output);
        await silo.KillAsync();
        await client.DisposeAsync();
        return watcher;
    }

    private static async Task<(string Text, long LastSeq)> FinishAsync(ChatClient client, Watcher watcher)
    {
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished"));
        Assert.Equal("length", watcher.Events[^1].FinishReason);
        return (watcher.TextOf(2), watcher.LastSeq);
    }

    private static IEnumerable<string> Stored(string snapshots) =>
        Directory.EnumerateFiles(snapshots, "*.snapshot", SearchOption.AllDirectories);

    private static void Damage(string file)
    {
        using FileStream stream = File.Open(file, FileMode.Open);
        stream.Position = stream.Length / 2;
        int found = stream.ReadByte();
        stream.Position--;
        stream.WriteByte((byte)~found);
    }

    [GeneratedRegex(@"its slot is restored from a snapshot at position (?<position>\d+), then (?<tokens>\d+) tokens are prefilled")]
    private static partial Regex GoesOn();
}
