using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Identity;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Hosting;

namespace Streaming.Gateway.Tests.Identity;

public sealed class GuestSignInTests(Gateways gateways) : IAsyncLifetime
{
    private const string SignInFirst =
        """{"error":{"message":"Sign in first: POST /auth/guest answers a token, and sets it as a cookie."}}""";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string _cookie = "";

    private GuestTokens Tokens => gateways.Services.GetRequiredService<GuestTokens>();

    public async ValueTask InitializeAsync()
    {
        using HttpResponseMessage answer = await SignInAsync(gateways.Silo, _ => { });
        _cookie = CookieOf(answer).Name.Value!;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Guest_gets_a_token_and_the_same_token_as_an_HttpOnly_cookie()
    {
        using HttpResponseMessage answer = await SignInAsync(gateways.Silo, _ => { });
        GuestToken token = (await answer.Content.ReadFromJsonAsync<GuestToken>(Cancelled))!;
        SetCookieHeaderValue cookie = CookieOf(answer);

        Assert.Equal(token.Token, cookie.Value.Value);
        Assert.Matches("^streaming-[0-9a-f]{12}$", cookie.Name.Value);
        Assert.Equal(
            (true, false, "/", Microsoft.Net.Http.Headers.SameSiteMode.Lax),
            (cookie.HttpOnly, cookie.Secure, cookie.Path.Value, cookie.SameSite)
        );
        Assert.Equal((token.ExpiresAt + GuestTokens.RenewalGrace).ToUnixTimeSeconds(), cookie.Expires!.Value.ToUnixTimeSeconds());
        Assert.Matches(
            """^\{"token":"[A-Za-z0-9_-]+","expiresAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}$""",
            await answer.Content.ReadAsStringAsync(Cancelled)
        );
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
    }

    [Theory]
    [InlineData("cookie")]
    [InlineData("cookie of version 0.1")]
    [InlineData("bearer")]
    public async Task Returning_guest_keeps_the_identity(string where)
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        using HttpResponseMessage again = await SignInAsync(gateways.Silo, request => Present(request, where, token));
        string renewed = (await again.Content.ReadFromJsonAsync<GuestToken>(Cancelled))!.Token;

        Assert.NotEqual(token, renewed);
        Assert.Equal(Tokens.ReadIdentity(token), Tokens.ReadIdentity(renewed));
        Assert.NotNull(Tokens.ReadIdentity(renewed));
    }

    [Fact]
    public async Task Guest_with_an_invalid_token_gets_a_new_identity()
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        using HttpResponseMessage again = await SignInAsync(gateways.Silo, request => Present(request, "bearer", token[..^2] + "AA"));
        string other = (await again.Content.ReadFromJsonAsync<GuestToken>(Cancelled))!.Token;

        Assert.NotNull(Tokens.ReadIdentity(other));
        Assert.NotEqual(Tokens.ReadIdentity(token), Tokens.ReadIdentity(other));
    }

    [Theory]
    [InlineData("cookie", HttpStatusCode.OK)]
    [InlineData("cookie of version 0.1", HttpStatusCode.OK)]
    [InlineData("bearer", HttpStatusCode.OK)]
    [InlineData("query", HttpStatusCode.OK)]
    [InlineData("none", HttpStatusCode.Unauthorized)]
    public async Task Hub_accepts_a_token_in_cookie_header_or_query_and_refuses_connections_without(string where, HttpStatusCode status)
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        using HttpResponseMessage answer = await NegotiateAsync(gateways.Silo, where, token);

        Assert.Equal(status, answer.StatusCode);
        if (status == HttpStatusCode.Unauthorized)
            Assert.Equal(SignInFirst, await answer.Content.ReadAsStringAsync(Cancelled));
    }

    [Theory]
    [InlineData("cookie")]
    [InlineData("bearer")]
    [InlineData("query")]
    public async Task Hub_refuses_a_changed_token(string where)
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        using HttpResponseMessage answer = await NegotiateAsync(gateways.Silo, where, token[..^2] + (token[^2] == 'A' ? "BA" : "AA"));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal(SignInFirst, await answer.Content.ReadAsStringAsync(Cancelled));
    }

    [Fact]
    public async Task Gateways_accept_each_others_tokens_and_show_the_same_conversation()
    {
        string first = await Gateways.SignInAsync(gateways.Silo);
        await using HubConnection here = await Gateways.ConnectAsync(gateways.Silo, first);
        await using HubConnection there = await Gateways.ConnectAsync(gateways.Standalone, first);
        string id = (await here.InvokeAsync<Conversation>("CreateConversation", new { }, Cancelled)).Id;
        await using IAsyncEnumerator<ConversationEvent> watching = there
            .StreamAsync<ConversationEvent>("Watch", id, 0L, Cancelled)
            .GetAsyncEnumerator(Cancelled);
        await here.InvokeAsync("Send", id, "hello", "m1", Cancelled);
        Assert.True(await watching.MoveNextAsync());
        Assert.Equal("hello", watching.Current.Text);

        ValueTask<bool> next = watching.MoveNextAsync();
        while (gateways.Conversations[id].Observers.IsEmpty)
            await Task.Yield();
        await gateways.Conversations[id].Say(EventKind.Delta, 2, "pushed");
        Assert.True(await next);
        Assert.Equal("pushed", watching.Current.Text);

        string second = await Gateways.SignInAsync(gateways.Standalone);
        await using HubConnection back = await Gateways.ConnectAsync(gateways.Silo, second);
        Assert.Empty((await back.InvokeAsync<ConversationPage>("ListConversations", Cancelled)).Items);
    }

    [Fact]
    public async Task Guest_sign_ins_of_one_address_are_limited()
    {
        await using WebApplication app = await StartWithRingAsync([], "Streaming:GuestsPerMinute=2");
        var gateway = new Uri(app.Urls.Single());
        using HttpResponseMessage first = await SignInAsync(gateway, _ => { });
        using HttpResponseMessage second = await SignInAsync(gateway, _ => { });
        using HttpResponseMessage third = await SignInAsync(gateway, _ => { });

        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.Equal(
            """{"error":{"message":"Too many guests from this address: try again in a minute."}}""",
            await third.Content.ReadAsStringAsync(Cancelled)
        );
    }

    [Fact]
    public async Task Hosts_of_one_machine_have_cookies_of_their_own()
    {
        await using WebApplication app = await StartWithRingAsync([]);
        using HttpResponseMessage elsewhere = await SignInAsync(new Uri(app.Urls.Single()), _ => { });
        string there = CookieOf(elsewhere).Name.Value!;
        Assert.NotEqual(_cookie, there);

        // A browser sends both cookies to both, and the shared one of version 0.1.
        string token = await Gateways.SignInAsync(gateways.Silo);
        using HttpResponseMessage again = await SignInAsync(
            gateways.Silo,
            request => request.Headers.Add("Cookie", $"streaming={CookieOf(elsewhere).Value}; {there}=x; {_cookie}={token}")
        );
        Assert.Equal(Tokens.ReadIdentity(token), Tokens.ReadIdentity(CookieOf(again).Value.Value!));
    }

    [Fact]
    public async Task Gateways_of_one_cluster_have_the_same_cookie()
    {
        using HttpResponseMessage answer = await SignInAsync(gateways.Standalone, _ => { });
        Assert.Equal(_cookie, CookieOf(answer).Name.Value);
    }

    [Fact]
    public async Task Renewals_of_a_valid_token_are_not_limited()
    {
        await using WebApplication app = await StartWithRingAsync([], "Streaming:GuestsPerMinute=1");
        var gateway = new Uri(app.Urls.Single());
        string token = await Gateways.SignInAsync(gateway);
        for (int i = 0; i < 20; i++)
        {
            using HttpResponseMessage again = await SignInAsync(gateway, request => Present(request, "bearer", token));
            Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        }
        using HttpResponseMessage newcomer = await SignInAsync(gateway, request => Present(request, "bearer", "invalid"));
        Assert.Equal(HttpStatusCode.TooManyRequests, newcomer.StatusCode);
        Assert.Equal("60", newcomer.Headers.GetValues("Retry-After").Single());
    }

    [Theory]
    [InlineData("Streaming:TrustedProxies=127.0.0.0/8", HttpStatusCode.OK, true)]
    [InlineData("Streaming:TrustedProxies=10.0.0.1", HttpStatusCode.TooManyRequests, false)]
    [InlineData("Streaming:GuestsPerMinute=1", HttpStatusCode.TooManyRequests, false)]
    public async Task Forwarded_headers_count_only_from_trusted_proxies(string setting, HttpStatusCode second, bool isSecure)
    {
        await using WebApplication app = await StartWithRingAsync([], "Streaming:GuestsPerMinute=1", setting);
        var gateway = new Uri(app.Urls.Single());
        using HttpResponseMessage first = await SignInAsync(gateway, request => Forward(request, "192.0.2.1"));
        Assert.Equal((HttpStatusCode.OK, isSecure), (first.StatusCode, CookieOf(first).Secure));
        using HttpResponseMessage other = await SignInAsync(gateway, request => Forward(request, "192.0.2.2"));
        Assert.Equal(second, other.StatusCode);
        using HttpResponseMessage host = await SignInAsync(
            gateway,
            request =>
            {
                Forward(request, "192.0.2.3");
                request.Headers.Add("X-Forwarded-Host", "evil.example.org");
            }
        );
        Assert.Equal(isSecure ? HttpStatusCode.BadRequest : HttpStatusCode.TooManyRequests, host.StatusCode);
    }

    [Fact]
    public async Task Guests_keep_their_identity_and_the_process_is_not_ready_while_the_cluster_is_unreachable()
    {
        await using WebApplication app = await StartWithoutClusterAsync();
        var gateway = new Uri(app.Urls.Single());
        const string unavailable = """{"error":{"message":"The service is starting or cannot be reached: try again in a moment."}}""";

        using HttpResponseMessage signIn = await SignInAsync(gateway, _ => { });
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, unavailable),
            (signIn.StatusCode, await signIn.Content.ReadAsStringAsync(Cancelled))
        );
        using HttpResponseMessage hub = await NegotiateAsync(gateway, "cookie", await Gateways.SignInAsync(gateways.Silo));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, unavailable), (hub.StatusCode, await hub.Content.ReadAsStringAsync(Cancelled)));

        using var http = new HttpClient { BaseAddress = gateway };
        using HttpResponseMessage ready = await http.GetAsync("/health/ready", Cancelled);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal(
            """{"status":"unhealthy","checks":{"cluster":"The cluster does not answer."}}""",
            await ready.Content.ReadAsStringAsync(Cancelled)
        );
        Assert.Equal("""{"status":"healthy"}""", await http.GetStringAsync("/health/live", Cancelled));
    }

    [Fact]
    public async Task Gateway_works_once_the_cluster_can_be_reached()
    {
        var grains = new UnreachableGrainFactory(gateways.Services.GetRequiredService<IGrainFactory>());
        var keys = new ClusterKeyRing(grains.Factory, TimeProvider.System);
        await Assert.ThrowsAsync<KeysUnavailableException>(() => keys.EnsureReadAsync(Cancelled).AsTask());

        grains.IsUnreachable = false;
        await keys.EnsureReadAsync(Cancelled);
        Assert.NotNull(keys.GetAllElements());
    }

    [Fact]
    public void Only_one_of_two_starting_gateways_creates_the_first_key()
    {
        var ring = new List<string>();
        ClusterKeyRing first = NewRing(),
            second = NewRing();
        Assert.Empty(first.GetAllElements());
        Assert.Empty(second.GetAllElements());
        first.StoreElement(new XElement("key", "first"), "");
        second.StoreElement(new XElement("key", "second"), "");

        Assert.Equal(["<key>first</key>"], ring);
        Assert.Equal("first", second.GetAllElements().Single().Value);
        second.StoreElement(new XElement("key", "later"), "");
        Assert.Equal(["<key>first</key>", "<key>later</key>"], ring);

        ClusterKeyRing NewRing() =>
            new(new UnreachableGrainFactory(null, new KeyRingInMemory(ring)) { IsUnreachable = false }.Factory, TimeProvider.System);
    }

    [Fact]
    public void Keys_are_not_read_while_the_host_starts() =>
        Assert.DoesNotContain(
            gateways.Services.GetServices<IHostedService>(),
            service => service.GetType().FullName!.Contains("DataProtection", StringComparison.Ordinal)
        );

    private static SetCookieHeaderValue CookieOf(HttpResponseMessage answer) =>
        SetCookieHeaderValue.Parse(answer.Headers.GetValues("Set-Cookie").Single());

    private static void Forward(HttpRequestMessage request, string address)
    {
        request.Headers.Add("X-Forwarded-For", address);
        request.Headers.Add("X-Forwarded-Proto", "https");
    }

    /// <summary>A gateway whose cluster consists of a key ring.</summary>
    private static Task<WebApplication> StartWithRingAsync(List<string> ring, params string[] settings) =>
        StartAsync(new UnreachableGrainFactory(null, new KeyRingInMemory(ring)) { IsUnreachable = false }, settings);

    private static Task<WebApplication> StartWithoutClusterAsync(params string[] settings) =>
        StartAsync(new UnreachableGrainFactory(null), settings);

    private static async Task<WebApplication> StartAsync(UnreachableGrainFactory cluster, string[] settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(settings);
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        builder.Services.AddSingleton(cluster.Factory);
        builder.Services.AddHosting().AddGatewaySettings().AddGateway();
        WebApplication app = builder.Build();
        app.UseHosting().MapGateway();
        await app.StartAsync(Cancelled);
        return app;
    }

    private static async Task<HttpResponseMessage> SignInAsync(Uri gateway, Action<HttpRequestMessage> present)
    {
        using var http = new HttpClient(new HttpClientHandler { UseCookies = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway, "/auth/guest"));
        present(request);
        return await http.SendAsync(request, Cancelled);
    }

    private async Task<HttpResponseMessage> NegotiateAsync(Uri gateway, string where, string token)
    {
        using var http = new HttpClient(new HttpClientHandler { UseCookies = false });
        string query = where == "query" ? "&access_token=" + token : "";
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway, "/hubs/chat/negotiate?negotiateVersion=1" + query));
        Present(request, where, token);
        return await http.SendAsync(request, Cancelled);
    }

    private void Present(HttpRequestMessage request, string where, string token)
    {
        if (where == "cookie")
            request.Headers.Add("Cookie", $"{_cookie}={token}");
        else if (where == "cookie of version 0.1")
            request.Headers.Add("Cookie", "streaming=" + token);
        else if (where == "bearer")
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }
}
