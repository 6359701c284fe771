using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Streaming.Gateway.Hub;
using Streaming.Gateway.Identity;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Gateway.Watching;
using Streaming.Hosting;

[assembly: AssemblyFixture(typeof(Gateways))]

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>Two real gateways of one cluster: one in the silo's process, one that is an Orleans client.</summary>
public sealed class Gateways : IAsyncLifetime
{
    private readonly FakeConversations _conversations = new();
    private WebApplication? _silo;
    private WebApplication? _standalone;

    internal FakeConversations Conversations => _conversations;

    internal Uri Silo { get; private set; } = null!;

    internal Uri Standalone { get; private set; } = null!;

    internal ConversationFeeds Feeds => _silo!.Services.GetRequiredService<ConversationFeeds>();

    internal IServiceProvider Services => _silo!.Services;

    public async ValueTask InitializeAsync()
    {
        int[] ports = FreePorts.Take(2);
        (int siloPort, int gatewayPort) = (ports[0], ports[1]);
        _silo = Build(
            _conversations,
            builder => builder.UseOrleans(silo => silo.UseLocalhostClustering(siloPort, gatewayPort)),
            "Streaming:InspectCache=true"
        );
        await _silo.StartAsync(TestContext.Current.CancellationToken);
        Silo = new Uri(_silo.Urls.Single());

        _standalone = Build(
            _conversations,
            builder => builder.UseOrleansClient(client => client.UseLocalhostClustering(gatewayPort)),
            "Streaming:AllowedOrigins=https://chat.example.org",
            "Streaming:AllowedHosts=gateway.example.org",
            "Streaming:GuestsPerMinute=100000"
        );
        await _standalone.StartAsync(TestContext.Current.CancellationToken);
        Standalone = new Uri(_standalone.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        if (_standalone is not null)
            await _standalone.DisposeAsync();
        if (_silo is not null)
            await _silo.DisposeAsync();
    }

    /// <summary>A new guest's token.</summary>
    internal static async Task<string> SignInAsync(Uri gateway)
    {
        using var http = new HttpClient { BaseAddress = gateway };
        using HttpResponseMessage answer = await http.PostAsync("/auth/guest", null, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<GuestToken>(TestContext.Current.CancellationToken))!.Token;
    }

    /// <summary>A connection to a hub, as this guest.</summary>
    internal static async Task<HubConnection> ConnectAsync(Uri gateway, string token, bool messagePack = false)
    {
        IHubConnectionBuilder builder = new HubConnectionBuilder().WithUrl(
            new Uri(gateway, "/hubs/chat"),
            options => options.AccessTokenProvider = () => Task.FromResult<string?>(token)
        );
        if (messagePack)
            builder.AddMessagePackProtocol();
        else
            builder.AddJsonProtocol(options => options.PayloadSerializerOptions = HubJson.Options);
        HubConnection connection = builder.Build();
        await connection.StartAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    /// <summary>A connection as a new guest.</summary>
    internal static async Task<HubConnection> ConnectAsync(Uri gateway) => await ConnectAsync(gateway, await SignInAsync(gateway));

    /// <summary>A gateway's host, with fake grains where it is a silo.</summary>
    internal static WebApplication Build(
        FakeConversations conversations,
        Action<WebApplicationBuilder> useOrleans,
        params string[] settings
    )
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { EnvironmentName = Environments.Production, Args = [.. settings] }
        );
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        useOrleans(builder);
        builder.Services.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = "gateway-tests");
        builder.Services.AddSingleton(conversations);
        builder.Services.AddHosting().AddGatewaySettings().AddGateway();
        WebApplication app = builder.Build();
        app.UseHosting().MapGateway();
        return app;
    }
}
