using System.Net;
using Microsoft.AspNetCore.SignalR.Client;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>A stand-alone gateway runs without a silo, and reports whether there is one.</summary>
public sealed class GatewayTests
{
    [Fact]
    public async Task A_gateway_starts_before_its_silo_and_tells_watchers_when_the_silo_is_gone()
    {
        using var data = new TemporaryFolder();
        var ports = ClusterPorts.Free();
        await using var silo = HostProcess.Silo(data.Path, ports, "Threads=1");
        await using var gateway = HostProcess.Gateway(ports, FreePorts.Take());
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
        Assert.True(await endless.Watcher.UntilAsync(client, e => e.Kind == "paused"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await FirstAnswerAsync(gateway, "/health/ready"));
        Assert.Equal(HttpStatusCode.OK, await FirstAnswerAsync(gateway, "/health/live"));
        long further = endless.Watcher.LastSeq + 60;
        Task<bool> goesOn = endless.Watcher.UntilAsync(client, e => e.Seq >= further);

        await silo.StartAsync();
        Assert.True(await goesOn, "The gateway ended its watcher's stream.");
        await endless.StopAsync(client);
        Assert.Equal(await client.ReadTurnTextAsync(endless.Id, endless.Reply), endless.Text);
    }

    [Fact]
    public async Task A_gateway_tells_its_clients_to_reconnect_before_it_shuts_down()
    {
        using var data = new TemporaryFolder();
        await using var host = HostProcess.Silo(data.Path, ClusterPorts.Free(), "Threads=1");
        await host.StartAsync();
        string token = await ChatClient.GuestAsync(host.Url);
        await using HubConnection connection = new HubConnectionBuilder()
            .WithUrl(host.Url + "/hubs/chat", o => o.AccessTokenProvider = () => Task.FromResult<string?>(token))
            .WithAutomaticReconnect()
            .Build();
        var lost = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        // The client library reconnects only if the server's close message allows it.
        connection.Reconnecting += _ => Set(true);
        connection.Closed += _ => Set(false);
        await connection.StartAsync(TestContext.Current.CancellationToken);
        // The gateway answers once it has registered the connection; the start of a connection ends before that.
        await connection.InvokeAsync<object>("ListConversations", null, TestContext.Current.CancellationToken);

        int code = await host.TerminateAsync();
        Assert.True(code == 0, $"It ended with {code}.\n{host.Output}");
        Assert.True(
            await lost.Task.WaitAsync(Watcher.DefaultLimit, TestContext.Current.CancellationToken),
            "The server did not allow the client to reconnect."
        );

        Task Set(bool reconnects)
        {
            lost.TrySetResult(reconnects);
            return Task.CompletedTask;
        }
    }

    /// <summary>The status of the first response, once the process listens.</summary>
    private static async Task<HttpStatusCode> FirstAnswerAsync(HostProcess host, string path)
    {
        using var http = new HttpClient();
        using var limit = new CancellationTokenSource(Watcher.DefaultLimit);
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
