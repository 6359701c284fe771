using System.Net.WebSockets;
using System.Text;

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>A connection that reads and writes the hub's raw JSON, without a client library.</summary>
internal sealed class RawHubConnection : IAsyncDisposable
{
    private const char RecordEnd = '\u001e';
    private readonly ClientWebSocket _socket = new();
    private readonly StringBuilder _received = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    public static async Task<RawHubConnection> ConnectAsync(Uri gateway, string token)
    {
        var connection = new RawHubConnection();
        var address = new UriBuilder(new Uri(gateway, "/hubs/chat")) { Scheme = "ws", Query = "access_token=" + token };
        await connection._socket.ConnectAsync(address.Uri, Deadline());
        await connection.SendAsync("""{"protocol":"json","version":1}""");
        Assert.Equal("{}", await connection.ReceiveAsync());
        return connection;
    }

    public Task SendAsync(string record) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(record + RecordEnd), WebSocketMessageType.Text, true, Deadline());

    /// <summary>The next record that is not a ping.</summary>
    public async Task<string> ReceiveAsync()
    {
        while (true)
        {
            string text = _received.ToString();
            int end = text.IndexOf(RecordEnd, StringComparison.Ordinal);
            if (end >= 0)
            {
                _received.Remove(0, end + 1);
                if (text[..end] is var record && record != """{"type":6}""")
                    return record;
                continue;
            }
            WebSocketReceiveResult part = await _socket.ReceiveAsync(_buffer, Deadline());
            Assert.NotEqual(WebSocketMessageType.Close, part.MessageType);
            _received.Append(Encoding.UTF8.GetString(_buffer, 0, part.Count));
        }
    }

    /// <summary>Calls a method with its arguments in JSON, and returns the completion.</summary>
    public async Task<string> CallAsync(string method, string arguments)
    {
        await SendAsync($$"""{"type":1,"invocationId":"1","target":"{{method}}","arguments":[{{arguments}}]}""");
        return await ReceiveAsync();
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private static CancellationToken Deadline() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;
}
