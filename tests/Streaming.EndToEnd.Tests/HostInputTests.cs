using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.SignalR;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>A host that cannot start prints the reason in one sentence and leaves nothing behind.</summary>
public class HostInputTests
{
    [Theory]
    [InlineData("Modle=models/starter", "Streaming:Modle is not a setting")]
    [InlineData("Slots=many", "Streaming:Slots is 'many': it must be a whole number")]
    [InlineData("GuestsPerMinute=many", "Streaming:GuestsPerMinute is 'many': it must be a whole number")]
    [InlineData("Gateway=maybe", "true or false")]
    [InlineData("Model=", "Streaming:Model")]
    [InlineData("Slots=0", "Streaming:Slots")]
    [InlineData("DType=float8", "Streaming:DType is 'float8'")]
    [InlineData("Storage=Paper", "Streaming:Storage")]
    [InlineData("GuestsPerMinute=0", "Streaming:GuestsPerMinute")]
    [InlineData("AllowedOrigins=example.org", "Streaming:AllowedOrigins")]
    [InlineData("Storage=7", "Streaming:Storage is '7': it must be Sqlite or Azure")]
    [InlineData("Threads=1.5", "Streaming:Threads is '1.5': it must be a whole number")]
    [InlineData("Slots:0=16", "Streaming:Slots:0 is not a setting: Streaming:Slots is one value")]
    [InlineData("Model:Path=models", "Streaming:Model:Path is not a setting")]
    [InlineData("Devices=cuda:0", "Streaming:Devices is a list: write Streaming:Devices:0=cuda:0")]
    [InlineData("Devices:0=", "Streaming:Devices")]
    [InlineData("Devices:0:Name=cpu", "Streaming:Devices:0:Name is not a setting")]
    [InlineData("Azure=account", "Streaming:Azure has a value, but it is a group of settings: Account, ")]
    [InlineData("Data=/proc/version", "Streaming:Data is '/proc/version': it must be a directory")]
    public async Task Wrong_setting_stops_the_host_with_one_sentence_before_the_model_loads(string setting, string named)
    {
        using var data = new TemporaryFolder();
        await using var silo = HostProcess.Silo(Path.Combine(data.Path, "store"), ClusterPorts.Free(), setting);
        (int exitCode, string output) = await silo.RunToEndAsync();
        AssertRefused(Assert.Single(output.Split('\n')), named, exitCode, data);
    }

    [Theory]
    [InlineData("--Logging:LogLevel:Default=Foo", "Logging:LogLevel:Default is 'Foo': it must be Trace or Debug or ")]
    [InlineData("--Logging:Console:LogLevel:Orleans=17", "Logging:Console:LogLevel:Orleans is '17'")]
    [InlineData("--Logging:Console:FormatterName=xml", "Logging:Console:FormatterName is 'xml'")]
    [InlineData("--Logging:Console:FormatterOptions:TimestampFormat=%", "Logging:Console:FormatterOptions:TimestampFormat is '%'")]
    [InlineData(
        "--Logging:Console:MaxQueueLength=abc",
        "The section Logging cannot be used: Failed to convert configuration value 'abc' at "
    )]
    [InlineData("--Kestrel:Endpoints:Http:Url=garbage", "garbage")]
    [InlineData("--Kestrel:Certificates:Default:Path=/nowhere.pfx", "/nowhere.pfx")]
    public async Task Wrong_value_in_a_section_of_the_framework_stops_both_hosts_before_the_model_loads(string argument, string named)
    {
        using var data = new TemporaryFolder();
        var ports = ClusterPorts.Free();
        await using var silo = HostProcess.SiloWithArguments(Path.Combine(data.Path, "store"), ports, argument);
        await using var gateway = HostProcess.GatewayWithArguments(ports, FreePorts.Take(), argument);
        foreach (HostProcess host in (HostProcess[])[silo, gateway])
        {
            (int exitCode, string output) = await host.RunToEndAsync();
            AssertRefused(Assert.Single(output.Split('\n')), named, exitCode, data);
        }
    }

    [Theory]
    [InlineData("GuestsPerMinute=many", "Streaming:GuestsPerMinute is 'many': it must be a whole number")]
    [InlineData("GatewayPort=99999", "Streaming:GatewayPort is '99999'")]
    [InlineData("ClusterId=", "Streaming:ClusterId")]
    [InlineData("InspectCache=maybe", "true or false")]
    [InlineData("Slots=many", "Streaming:Slots is 'many'")]
    [InlineData("Modle=models/starter", "Streaming:Modle is not a setting")]
    public async Task Wrong_setting_stops_a_gateway_with_one_sentence(string setting, string named)
    {
        using var data = new TemporaryFolder();
        await using var gateway = HostProcess.Gateway(ClusterPorts.Free(), FreePorts.Take(), setting);
        (int exitCode, string output) = await gateway.RunToEndAsync();
        AssertRefused(Assert.Single(output.Split('\n')), named, exitCode, data);
    }

    [Fact]
    public async Task One_file_of_settings_serves_both_hosts_which_hold_no_inotify_instance()
    {
        using var data = new TemporaryFolder();
        var ports = ClusterPorts.Free();
        string[] settings = ["Storage=Sqlite", "Slots=4", "GuestsPerMinute=100", "Devices:0=cpu", $"SiloPort={ports.Silo}"];
        await using HostProcess silo = await HostProcess.Silo(data.Path, ports, settings).StartAsync();
        await using HostProcess gateway = await HostProcess.Gateway(ports, FreePorts.Take(), settings).StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(gateway.Url);
        await client.CreateAsync(new { });
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux lists the files that a process has open.");
        foreach (HostProcess host in (HostProcess[])[silo, gateway])
            Assert.DoesNotContain(
                Directory.GetFiles($"/proc/{host.Id}/fd").Select(file => new FileInfo(file).LinkTarget ?? ""),
                file => file.Contains("inotify", StringComparison.Ordinal)
            );
    }

    [Theory]
    [InlineData("Model=/nowhere/at/all", "/nowhere/at/all")]
    [InlineData("Window=100000000", "Streaming:Window")]
    [InlineData("Devices:0=tpu", "Streaming:Devices")]
    public async Task Setting_that_the_engine_refuses_stops_the_host_with_one_sentence(string setting, string named)
    {
        using var data = new TemporaryFolder();
        await using var silo = HostProcess.Silo(Path.Combine(data.Path, "store"), ClusterPorts.Free(), setting);
        (int exitCode, string output) = await silo.RunToEndAsync();
        AssertRefused(Assert.Single(output.Split('\n'), IsSentence), named, exitCode, data);
    }

    [Theory]
    [InlineData("--Slots=16", "--Slots=16")]
    [InlineData("--Streaming:Slots", "'--Streaming:Slots' has no value: write --Streaming:Slots=VALUE.")]
    [InlineData("--urls", "'--urls' has no value")]
    [InlineData("garbage", "garbage")]
    [InlineData("--urls=garbage", "garbage")]
    [InlineData("--urls=http://localhost:99999", "99999")]
    [InlineData("--urls=https://localhost:5191", "certificate")]
    [InlineData("--urls=http://nosuchhost.invalid:5191", "every interface")]
    public async Task Argument_that_would_be_ignored_or_misunderstood_stops_the_host(string argument, string named)
    {
        using var data = new TemporaryFolder();
        await using var silo = HostProcess.SiloWithArguments(data.Path, ClusterPorts.Free(), argument);
        (int exitCode, string output) = await silo.RunToEndAsync();
        Assert.Contains(named, Assert.Single(output.Split('\n')), StringComparison.Ordinal);
        Assert.Equal(2, exitCode);
    }

    [Fact]
    public async Task Silo_without_a_gateway_serves_only_its_health()
    {
        using var data = new TemporaryFolder();
        await using HostProcess silo = await HostProcess.Silo(data.Path, ClusterPorts.Free(), "Gateway=false").StartAsync();
        using var http = new HttpClient();
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.GetAsync(silo.Url + "/health/ready", TestContext.Current.CancellationToken)).StatusCode
        );
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(silo.Url + "/", TestContext.Current.CancellationToken)).StatusCode);
        Assert.DoesNotContain("browser", silo.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_whose_store_was_deleted_refuses_messages_and_is_not_ready()
    {
        using var data = new TemporaryFolder();
        await using HostProcess silo = await HostProcess.Silo(data.Path, ClusterPorts.Free()).StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string id = (await client.CreateAsync(new { })).Id;
        using var http = new HttpClient();
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.GetAsync(silo.Url + "/health/ready", TestContext.Current.CancellationToken)).StatusCode
        );
        foreach (string file in Directory.GetFiles(data.Path))
            File.Delete(file);
        await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() => client.SendAsync(id, "Hello!"));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(30));
        string reason; // The store is tried at most once a second, so the last answer is given until then.
        do
        {
            using HttpResponseMessage health = await http.GetAsync(silo.Url + "/health/ready", deadline.Token);
            reason = health.StatusCode == HttpStatusCode.ServiceUnavailable ? await health.Content.ReadAsStringAsync(deadline.Token) : "";
        } while (reason.Length == 0);
        Assert.Contains("was removed", reason, StringComparison.Ordinal);
        Assert.DoesNotContain(data.Path, reason, StringComparison.Ordinal); // A path is for the log alone.
        Assert.Contains(data.Path, silo.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shutdown_during_a_reply_prints_nothing_and_the_reply_continues_after_a_restart()
    {
        using var data = new TemporaryFolder();
        await using HostProcess silo = await HostProcess.Silo(data.Path, ClusterPorts.Free()).StartAsync();
        ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string id = (await client.CreateAsync(new { sampling = new { maxTokens = 0, ignoreEos = true } })).Id;
        await client.SendAsync(id, "Tell me a story that never ends.");
        var watcher = new Watcher(id);
        Assert.True(await watcher.UntilAsync(client, e => e.Seq >= 30, TimeSpan.FromSeconds(60)));
        int lines = silo.Output.Split('\n').Length;
        Assert.Equal(0, await silo.TerminateAsync());
        Assert.Equal("", string.Join('\n', silo.Output.Split('\n').Skip(lines)));
        await client.DisposeAsync();

        await silo.StartAsync();
        client = await ChatClient.ConnectAsync(silo.Url, client.Token);
        long further = watcher.LastSeq + 30;
        Assert.True(await watcher.UntilAsync(client, e => e.Seq >= further, TimeSpan.FromSeconds(60)));
        await client.DisposeAsync();
    }

    [Theory]
    [InlineData("Streaming:Storage is Sqlite", "Clustering=Azure", "Azure:Account=account")]
    [InlineData("Streaming:Azure:ConnectionString or Streaming:Azure:Account", "Storage=Azure")]
    [InlineData(
        "Streaming:Azure:ConnectionString or Streaming:Azure:Account",
        "Storage=Azure",
        "Azure:Account=account",
        "Azure:ConnectionString=UseDevelopmentStorage=true"
    )]
    [InlineData("Streaming:Azure:ConnectionString is not", "Storage=Azure", "Azure:ConnectionString=nonsense")]
    [InlineData("Streaming:Azure:Account", "Storage=Azure", "Azure:Account=No such name")]
    [InlineData("Streaming:Azure:Prefix", "Storage=Azure", "Azure:Account=account", "Azure:Prefix=My-Service")]
    [InlineData("Streaming:Azure:Accuont", "Storage=Azure", "Azure:Accuont=account")]
    [InlineData("Streaming:AdvertisedAddress", "AdvertisedAddress=silo-1")]
    [InlineData("Streaming:AdvertisedAddress is 10.0.0.4", "AdvertisedAddress=10.0.0.4")]
    public async Task Wrong_cluster_setting_stops_the_host_with_one_sentence(string named, params string[] settings)
    {
        using var data = new TemporaryFolder();
        await using var silo = HostProcess.Silo(Path.Combine(data.Path, "store"), ClusterPorts.Free(), settings);
        (int exitCode, string output) = await silo.RunToEndAsync();
        AssertRefused(Assert.Single(output.Split('\n')), named, exitCode, data);
    }

    [Fact]
    public async Task Storage_account_that_does_not_answer_stops_the_host_with_one_sentence()
    {
        using var data = new TemporaryFolder();
        const string nobody =
            "DefaultEndpointsProtocol=http;AccountName=nobody;AccountKey=a2V5;"
            + "TableEndpoint=http://127.0.0.1:9/nobody;BlobEndpoint=http://127.0.0.1:9/nobody;";
        await using var silo = HostProcess.Silo(data.Path, ClusterPorts.Free(), "Storage=Azure", $"Azure:ConnectionString={nobody}");
        (int exitCode, string output) = await silo.RunToEndAsync();
        Assert.Equal(2, exitCode);
        Assert.Contains(
            output.Split('\n'),
            line =>
                line.StartsWith("Azure Storage does not answer for table streaming", StringComparison.Ordinal)
                && line.Contains("of account nobody: check Streaming:Azure", StringComparison.Ordinal)
        );
        Assert.DoesNotContain("a2V5", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Second_host_on_the_same_data_is_refused()
    {
        using var data = new TemporaryFolder();
        await using var first = HostProcess.Silo(data.Path, ClusterPorts.Free());
        await first.StartAsync();
        await using var second = HostProcess.Silo(data.Path, ClusterPorts.Free());
        (int exitCode, string output) = await second.RunToEndAsync();
        Assert.Equal(2, exitCode);
        Assert.Contains(data.Path, Assert.Single(output.Split('\n'), IsSentence), StringComparison.Ordinal);
        await using ChatClient stillServed = await ChatClient.ConnectAsync(first.Url);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("SiloPort")]
    [InlineData("GatewayPort")]
    public async Task Port_in_use_stops_the_host_with_one_sentence(string which)
    {
        using var data = new TemporaryFolder();
        var ports = ClusterPorts.Free();
        int taken = which switch
        {
            "http" => ports.Http,
            "SiloPort" => ports.Silo,
            _ => ports.Gateway,
        };
        using var occupant = new TcpListener(IPAddress.Loopback, taken);
        occupant.Start();
        await using var silo = HostProcess.Silo(data.Path, ports);
        (int exitCode, string output) = await silo.RunToEndAsync();
        Assert.Equal(2, exitCode);
        string sentence = Assert.Single(output.Split('\n'), IsSentence);
        Assert.Contains(taken.ToString(System.Globalization.CultureInfo.InvariantCulture), sentence, StringComparison.Ordinal);
        if (which != "http")
            Assert.Contains("Streaming:" + which, sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conversation_refuses_another_checkpoint_and_continues_with_its_own()
    {
        using var data = new TemporaryFolder();
        using var altered = new TemporaryFolder();
        // The same files with another template are another checkpoint: the ids would have another meaning.
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, "models", "starter")))
            File.Copy(file, Path.Combine(altered.Path, Path.GetFileName(file)));
        string config = Path.Combine(altered.Path, "tokenizer_config.json");
        await File.WriteAllTextAsync(
            config,
            (await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken)).Replace(
                "assistant",
                "model",
                StringComparison.Ordinal
            ),
            TestContext.Current.CancellationToken
        );

        var ports = ClusterPorts.Free();
        string token,
            id;
        await using (var first = HostProcess.Silo(data.Path, ports))
        {
            await first.StartAsync();
            await using ChatClient client = await ChatClient.ConnectAsync(first.Url);
            token = client.Token;
            id = (await client.CreateAsync(new { sampling = new { maxTokens = 8 } })).Id;
            await client.SendAsync(id, "Hello!");
            Assert.True(await new Watcher(id).UntilAsync(client, e => e.Kind == "finished", TimeSpan.FromSeconds(60)));
        }
        await using (var second = HostProcess.Silo(data.Path, ports, $"Model={altered.Path}"))
        {
            await second.StartAsync();
            await using ChatClient client = await ChatClient.ConnectAsync(second.Url, token);
            long before = (await client.GetAsync(id)).LastSeq;
            HubException refusal = await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() =>
                client.SendAsync(id, "And now?")
            );
            Assert.Contains("checkpoint", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(before, (await client.GetAsync(id)).LastSeq);
            Assert.Equal(2, (await client.ReadTurnsAsync(id)).Items.Count);
        }
        await using HostProcess third = await HostProcess.Silo(data.Path, ports).StartAsync();
        await using ChatClient again = await ChatClient.ConnectAsync(third.Url, token);
        Assert.Equal(3, (await again.SendAsync(id, "And now?")).Turn);
    }

    private static void AssertRefused(string sentence, string named, int exitCode, TemporaryFolder data)
    {
        Assert.Contains(named, sentence, StringComparison.Ordinal);
        Assert.EndsWith(".", sentence, StringComparison.Ordinal);
        Assert.Equal(2, exitCode);
        Assert.False(Directory.Exists(Path.Combine(data.Path, "store")), "A refused start created a store.");
    }

    /// <summary>Whether a line is not one of the lines that show the progress of a start.</summary>
    private static bool IsSentence(string line) =>
        !line.StartsWith("Load", StringComparison.Ordinal)
        && !line.StartsWith("info:", StringComparison.Ordinal)
        && !line.StartsWith("      ", StringComparison.Ordinal);
}
