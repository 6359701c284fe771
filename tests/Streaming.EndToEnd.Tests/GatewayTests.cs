using System.Net;
using Microsoft.AspNetCore.SignalR.Client;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>A stand-alone gateway outlives its silos, and says what it knows of them.</summary>
public sealed class GatewayTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_gateway_lives_before_its_silo_and_tells_its_watchers_when_there_is_none()
    {
        using var data = new TemporaryFolder();
        ClusterPorts ports = ClusterPorts.Free();
        await using HostProcess silo = HostProcess.Silo(data.Path, ports, "Threads=1");
        await using HostProcess gateway = HostProcess.Gateway(ports, FreePorts.Take());
        Task ready = gateway.StartAsync();

        Assert.Equal(HttpStatusCode.OK, await FirstAnswerAsync(gateway, "/health/live"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await FirstAnswerAsync(gateway, "/health/ready"));
        Assert.False(ready.IsCompleted);

        await silo.StartAsync();
        await ready;
        Assert.Equal(HttpStatusCode.OK, await FirstAnswerAsync(gateway, "/health/ready"));
        await using ChatClient client = await ChatClient.ConnectAsync(gateway.Url);
        EndlessReply endless = await EndlessReply.StartAsync(client);
        await endless.ReachAsync(client, 80, gateway);

        await silo.KillAsync();
        Assert.True(await endless.Watcher.UntilAsync(client, e => e.Kind == "paused", Limit));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await FirstAnswerAsync(gateway, "/health/ready"));
        Assert.Equal(HttpStatusCode.OK, await FirstAnswerAsync(gateway, "/health/live"));
        long further = endless.Watcher.LastSeq + 60;
        Task<bool> goesOn = endless.Watcher.UntilAsync(client, e => e.Seq >= further, TimeSpan.FromMinutes(2));

        await silo.StartAsync();
        Assert.True(await goesOn, "The gateway ended its watcher's stream.");
        await endless.StopAsync(client);
        Assert.Equal(await client.ReadTurnTextAsync(endless.Id, endless.Reply), endless.Text);
    }

    [Fact]
    public async Task A_gateway_that_leaves_asks_its_connections_to_come_back()
    {
        using var data = new TemporaryFolder();
        await using HostProcess host = HostProcess.Silo(data.Path, ClusterPorts.Free(), "Threads=1");
        await host.StartAsync();
        string token = await ChatClient.GuestAsync(host.Url);
        await using HubConnection connection = new HubConnectionBuilder()
            .WithUrl(host.Url + "/hubs/chat", o => o.AccessTokenProvider = () => Task.FromResult<string?>(token))
            .WithAutomaticReconnect()
            .Build();
        var lost = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        // The library tries again only if the server's last word allows it.
        connection.Reconnecting += _ => Set(true);
        connection.Closed += _ => Set(false);
        await connection.StartAsync(TestContext.Current.CancellationToken);
        // Answered once the gateway has taken the connection in: a start ends before that, and who comes while it leaves is another case.
        await connection.InvokeAsync<object>("ListConversations", null, TestContext.Current.CancellationToken);

        int code = await host.TerminateAsync();
        Assert.True(code == 0, $"It ended with {code}.\n{host.Output}");
        Assert.True(await lost.Task.WaitAsync(Limit, TestContext.Current.CancellationToken), "The server did not ask to come back.");

        Task Set(bool reconnects)
        {
            lost.TrySetResult(reconnects);
            return Task.CompletedTask;
        }
    }

    /// <summary>The status of the first answer, once the process listens.</summary>
    private static async Task<HttpStatusCode> FirstAnswerAsync(HostProcess host, string path)
    {
        using var http = new HttpClient();
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(host.Url + path, limit.Token);
                return answer.StatusCode;
            }
            catch (HttpRequestException) when (!limit.IsCancellationRequested) { }
        }
    }
}
