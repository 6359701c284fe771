using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Hub;

/// <summary>Connections that consist of many requests, each with its own token.</summary>
public sealed class LongPollingTests(Gateways gateways)
{
    private const string Handshake = "{\"protocol\":\"json\",\"version\":1}\u001e";

    private const string Ping = "{\"type\":6}\u001e";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("DELETE")]
    public async Task Requests_of_another_guest_on_a_connection_are_refused(string method)
    {
        string owner = await Gateways.SignInAsync(gateways.Silo),
            other = await Gateways.SignInAsync(gateways.Silo);
        string connection = await OpenAsync(owner);

        using HttpResponseMessage refused = await AskAsync(method, connection, other, Content(Ping));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal(
            """{"error":{"message":"This connection belongs to another guest: open one of your own."}}""",
            await refused.Content.ReadAsStringAsync(Cancelled)
        );

        using HttpResponseMessage sent = await AskAsync("POST", connection, owner, Content(Ping));
        Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        using HttpResponseMessage ended = await AskAsync("DELETE", connection, owner, null);
        Assert.Equal(HttpStatusCode.Accepted, ended.StatusCode);
    }

    [Fact]
    public async Task Owner_may_renew_the_token_of_a_connection()
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        string connection = await OpenAsync(token);
        using var http = new HttpClient { BaseAddress = gateways.Silo };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage answer = await http.PostAsync("/auth/guest", null, Cancelled);
        using var renewed = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancelled));

        using HttpResponseMessage sent = await AskAsync(
            "POST",
            connection,
            renewed.RootElement.GetProperty("token").GetString()!,
            Content(Ping)
        );
        Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
    }

    [Fact]
    public async Task Request_that_is_too_long_is_refused_before_it_is_sent()
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        string connection = await OpenAsync(token);
        using var body = new BodyOfLength(20_000_000);
        using HttpResponseMessage refused = await AskAsync("POST", connection, token, body, expectContinue: true);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        Assert.Equal(
            """{"error":{"message":"The request has 20000000 bytes, and 9437184 is the most: send it in parts."}}""",
            await refused.Content.ReadAsStringAsync(Cancelled)
        );
        Assert.False(body.WasSent);
    }

    private async Task<string> OpenAsync(string token)
    {
        using var http = new HttpClient { BaseAddress = gateways.Silo };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage answer = await http.PostAsync("/hubs/chat/negotiate?negotiateVersion=1", null, Cancelled);
        using var negotiated = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancelled));
        string connection = negotiated.RootElement.GetProperty("connectionToken").GetString()!;
        using HttpResponseMessage first = await AskAsync("GET", connection, token, null); // opens it, and returns at once
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        using HttpResponseMessage greeted = await AskAsync("POST", connection, token, Content(Handshake));
        Assert.Equal(HttpStatusCode.OK, greeted.StatusCode);
        using HttpResponseMessage greeting = await AskAsync("GET", connection, token, null);
        Assert.Equal("{}\u001e", await greeting.Content.ReadAsStringAsync(Cancelled));
        return connection;
    }

    private async Task<HttpResponseMessage> AskAsync(
        string method,
        string connection,
        string token,
        HttpContent? content,
        bool expectContinue = false
    )
    {
        using var http = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) });
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(gateways.Silo, "/hubs/chat?id=" + connection));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.ExpectContinue = expectContinue;
        request.Content = method == "POST" ? content : null;
        return await http.SendAsync(request, Cancelled);
    }

    private static StringContent Content(string text) => new(text, Encoding.UTF8, "text/plain");

    private sealed class BodyOfLength(long length) : HttpContent
    {
        public bool WasSent { get; private set; }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            WasSent = true;
            return stream.WriteAsync(new byte[length]).AsTask();
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }
    }
}
