using System.Net.Sockets;
using System.Text;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Health;

public sealed class HealthTests(Gateways gateways)
{
    [Theory]
    [InlineData("/health/live", """{"status":"healthy"}""")]
    [InlineData("/health/ready", """{"status":"healthy","checks":{"cluster":"The cluster answers."}}""")]
    public async Task Both_gateways_are_alive_and_ready(string path, string expected)
    {
        foreach (Uri gateway in (Uri[])[gateways.Silo, gateways.Standalone])
        {
            using var http = new HttpClient { BaseAddress = gateway };
            Assert.Equal(expected, await http.GetStringAsync(path, TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData("GET /health/live HTTP/1.1\r\nHost: 10.244.0.5:5080\r\nConnection: close", "HTTP/1.1 200 OK")]
    [InlineData("GET /health/ready HTTP/1.1\r\nHost: 10.244.0.5:5080\r\nConnection: close", "HTTP/1.1 200 OK")]
    [InlineData("GET /health/live HTTP/1.0", "HTTP/1.1 200 OK")]
    [InlineData("HEAD /health/live HTTP/1.0", "HTTP/1.1 200 OK")]
    [InlineData("GET / HTTP/1.0", "HTTP/1.1 400 Bad Request")]
    [InlineData(
        "POST /health/live HTTP/1.1\r\nHost: 10.244.0.5:5080\r\nContent-Length: 0\r\nConnection: close",
        "HTTP/1.1 400 Bad Request"
    )]
    [InlineData(
        "POST /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close",
        "HTTP/1.1 405 Method Not Allowed"
    )]
    [InlineData("GET /health/live/more HTTP/1.1\r\nHost: 10.244.0.5\r\nConnection: close", "HTTP/1.1 400 Bad Request")]
    public async Task Probes_are_answered_for_any_host_and_nothing_else_is(string request, string status)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(gateways.Silo.Host, gateways.Silo.Port, TestContext.Current.CancellationToken);
        await using NetworkStream stream = connection.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request + "\r\n\r\n"), TestContext.Current.CancellationToken);
        using var answer = new StreamReader(stream);

        Assert.Equal(status, await answer.ReadLineAsync(TestContext.Current.CancellationToken));
    }
}
