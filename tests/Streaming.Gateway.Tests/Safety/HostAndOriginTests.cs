using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Hosting;

namespace Streaming.Gateway.Tests.Safety;

public sealed class HostAndOriginTests(Gateways gateways)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:5080", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]:5080", true)]
    [InlineData("gateway.example.org", true)] // the setting of this gateway
    [InlineData("example.org", false)]
    [InlineData("localhost.example.org", false)]
    [InlineData("127.0.0.2", false)]
    public async Task Only_requests_for_this_machine_and_allowed_hosts_are_answered(string host, bool answered)
    {
        using HttpResponseMessage answer = await GetAsync("/auth/nothing", host, null);

        Assert.Equal(answered ? HttpStatusCode.NotFound : HttpStatusCode.BadRequest, answer.StatusCode);
        if (!answered)
            Assert.Equal(
                $$$"""{"error":{"message":"This server does not answer for the host '{{{host}}}': use """
                    + $$$"""localhost, or allow it with Streaming:AllowedHosts."}}""",
                await answer.Content.ReadAsStringAsync(Cancelled)
            );
    }

    [Theory]
    [InlineData("localhost:5080", "http://localhost:5080", true)]
    [InlineData("localhost:5080", "https://localhost:5080", true)] // a proxy in between ended TLS
    [InlineData("gateway.example.org", "https://gateway.example.org", true)]
    [InlineData("gateway.example.org:443", "https://gateway.example.org", true)]
    [InlineData("localhost:5080", "https://chat.example.org", true)] // the setting of this gateway
    [InlineData("localhost:5080", "http://chat.example.org", false)]
    [InlineData("localhost:5080", "http://localhost", false)]
    [InlineData("localhost:5080", "http://localhost:3000", false)]
    [InlineData("localhost:5080", "http://127.0.0.1:5080", false)]
    [InlineData("localhost:5080", "https://evil.example.org", false)]
    [InlineData("localhost:5080", "null", false)]
    [InlineData("localhost:5080", "file://localhost:5080", false)]
    [InlineData("localhost:5080", "http://localhost:5080, http://evil.example.org", false)]
    public async Task Only_requests_of_the_own_and_allowed_origins_are_answered(string host, string origin, bool answered)
    {
        foreach (string path in (string[])["/health/live", "/", "/hubs/chat"])
        {
            using HttpResponseMessage answer = await GetAsync(path, host, origin);
            Assert.Equal(answered, answer.StatusCode != HttpStatusCode.Forbidden);
            if (!answered)
                Assert.Equal(
                    $$$"""{"error":{"message":"Pages from '{{{origin}}}' may not talk to this server: allow """
                        + $$$"""them with Streaming:AllowedOrigins."}}""",
                    await answer.Content.ReadAsStringAsync(Cancelled)
                );
        }
    }

    [Theory]
    [InlineData("https://evil.example.org", false)]
    [InlineData("https://chat.example.org", true)]
    public async Task Page_of_another_origin_cannot_open_a_WebSocket_even_with_a_token(string origin, bool opened)
    {
        string token = await Gateways.SignInAsync(gateways.Standalone);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", origin);
        Task connect = socket.ConnectAsync(
            new UriBuilder(new Uri(gateways.Standalone, "/hubs/chat")) { Scheme = "ws", Query = "access_token=" + token }.Uri,
            Cancelled
        );

        if (opened)
            await connect;
        else
            Assert.Contains("403", (await Assert.ThrowsAsync<WebSocketException>(() => connect)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Allowed_origin_may_read_the_responses()
    {
        using HttpResponseMessage answer = await GetAsync("/health/live", "localhost:5080", "https://chat.example.org");

        Assert.Equal("https://chat.example.org", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Equal("true", answer.Headers.GetValues("Access-Control-Allow-Credentials").Single());
    }

    [Theory]
    [InlineData("/health/live", "localhost")]
    [InlineData("/nothing", "localhost")]
    [InlineData("/", "example.org")]
    public async Task Every_response_has_security_headers(string path, string host)
    {
        using HttpResponseMessage answer = await GetAsync(path, host, null);

        Assert.Equal(
            "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            answer.Headers.GetValues("Content-Security-Policy").Single()
        );
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
    }

    [Theory]
    [InlineData(
        "AllowedHosts=https://example.org",
        "Streaming:AllowedHosts has 'https://example.org', which is no host name: write names without scheme, "
            + "port or path, as chat.example.org."
    )]
    [InlineData(
        "AllowedOrigins:0=example.org",
        "Streaming:AllowedOrigins has 'example.org', which is no origin: write scheme, host and port only, as https://example.org."
    )]
    [InlineData(
        "AllowedOrigins=https://a.org;https://b.org/path",
        "Streaming:AllowedOrigins has 'https://b.org/path', which is no origin: write scheme, host and port only, as https://example.org."
    )]
    [InlineData(
        "TrustedProxies=10.0.0.1;proxy.example.org",
        "Streaming:TrustedProxies has 'proxy.example.org', which is no address or network: write it as 10.0.0.1 or 10.0.0.0/8."
    )]
    [InlineData("GuestsPerMinute=0", "Streaming:GuestsPerMinute is 0: it must be 1 or more.")]
    public async Task Wrong_setting_stops_the_host_with_one_sentence(string setting, string sentence)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(["Streaming:" + setting]);
        builder.Logging.ClearProviders();
        builder.Services.AddHosting().AddGatewaySettings().AddGateway();
        await using WebApplication app = builder.Build();

        Assert.Equal(sentence, (await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync(Cancelled))).Message);
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string host, string? origin)
    {
        using var http = new HttpClient { BaseAddress = gateways.Standalone };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = host;
        if (origin is not null)
            request.Headers.TryAddWithoutValidation("Origin", origin);
        return await http.SendAsync(request, Cancelled);
    }
}
