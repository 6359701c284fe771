using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.Hosting;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Watching;

public sealed class SiloRestartTests
{
    [Fact]
    public async Task Client_that_connects_while_a_gateway_stops_is_told_to_come_back_and_does_not_delay_the_stop()
    {
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        await using WebApplication gateway = Gateways.Build(
            new FakeConversations(),
            builder => builder.UseOrleans(silo => silo.UseLocalhostClustering(FreePorts.Take(), FreePorts.Take()))
        );
        await gateway.StartAsync(cancelled);
        var address = new Uri(gateway.Urls.Single());
        string token = await Gateways.SignInAsync(address);

        gateway.Lifetime.StopApplication(); // All clients are told to reconnect while the port is still open.
        await using HubConnection hub = await Gateways.ConnectAsync(address, token);
        var closed = new TaskCompletionSource();
        hub.Closed += _ => Task.FromResult(closed.TrySetResult());

        if (hub.State != HubConnectionState.Disconnected)
            await closed.Task.WaitAsync(TimeSpan.FromSeconds(30), cancelled);

        await using RawHubConnection raw = await RawHubConnection.ConnectAsync(address, token);
        Assert.Equal("""{"type":7,"allowReconnect":true}""", await raw.ReceiveAsync());
    }

    [Fact]
    public async Task Watcher_of_a_stand_alone_gateway_survives_a_silo_restart()
    {
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        int[] ports = FreePorts.Take(2);
        (int siloPort, int gatewayPort) = (ports[0], ports[1]);
        var conversations = new FakeConversations();
        WebApplication silo = await StartSiloAsync();
        await using WebApplication gateway = Gateways.Build(
            conversations,
            builder => builder.UseOrleansClient(client => client.UseLocalhostClustering(gatewayPort))
        );
        await gateway.StartAsync(cancelled);
        await using HubConnection hub = await Gateways.ConnectAsync(new Uri(gateway.Urls.Single()));
        string id = (await hub.InvokeAsync<Conversation>("CreateConversation", cancelled)).Id;
        FakeConversation conversation = conversations[id];
        await using Watcher watcher = new Watcher(leaving => hub.StreamAsync<ConversationEvent>("Watch", id, 0L, leaving)).Allow();
        conversation.Log.Append(EventKind.Started, 2, [null]);
        await watcher.Reaches(1);

        await silo.DisposeAsync();
        Assert.Contains("does not answer", (await watcher.Sees(next => next.Kind == EventKind.Paused)).Text, StringComparison.Ordinal);
        conversation.Observers.Clear();
        conversation.Log.Append(EventKind.Delta, 2, "while it was away");
        silo = await StartSiloAsync();
        Assert.Equal("while it was away", (await watcher.Reaches(2)).Text);
        await conversation.Say(EventKind.Delta, 2, "and afterwards");
        Assert.Equal("and afterwards", (await watcher.Reaches(3)).Text);
        Assert.Equal([1L, 2L, 3L], watcher.Seen.Where(next => next.Seq is not null).Select(next => next.Seq!.Value));
        await silo.DisposeAsync();

        async Task<WebApplication> StartSiloAsync()
        {
            WebApplication app = Gateways.Build(
                conversations,
                builder => builder.UseOrleans(host => host.UseLocalhostClustering(siloPort, gatewayPort))
            );
            await app.StartAsync(cancelled);
            return app;
        }
    }
}
