using System.Net.Http.Json;
using System.Text.Json;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Hub;

/// <summary>SignalR's transport where WebSockets are not to be had.</summary>
public sealed class EventStreamTests(Gateways gateways)
{
    [Fact]
    public async Task Event_stream_asks_proxies_not_to_buffer_it_and_other_answers_do_not()
    {
        using var http = new HttpClient { BaseAddress = gateways.Silo };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Gateways.SignInAsync(gateways.Silo));
        using HttpResponseMessage negotiated = await http.PostAsync(
            "/hubs/chat/negotiate?negotiateVersion=1",
            null,
            TestContext.Current.CancellationToken
        );
        JsonElement answer = await negotiated.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/hubs/chat?id={answer.GetProperty("connectionToken").GetString()}");
        request.Headers.Accept.ParseAdd("text/event-stream");

        using HttpResponseMessage stream = await http.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken
        );

        Assert.Equal("text/event-stream", stream.Content.Headers.ContentType?.MediaType);
        Assert.Equal(["no"], stream.Headers.GetValues("X-Accel-Buffering"));
        Assert.False(negotiated.Headers.Contains("X-Accel-Buffering"));
    }
}
