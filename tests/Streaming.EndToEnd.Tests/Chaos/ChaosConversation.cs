using System.Diagnostics;
using Microsoft.AspNetCore.SignalR;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>
/// A conversation with a fixed seed and fixed messages, so its content is a function of its number alone. The next message follows each
/// reply until the conversation is told to end.
/// </summary>
internal sealed class ChaosConversation : IAsyncDisposable
{
    private const int TokensPerReply = 300;
    private const int Window = 60;

    private readonly string[] _gateways;
    private readonly string _token;
    private readonly int _number;
    private readonly List<SteadyWatcher> _watchers = [];
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isReplying;

    private ChaosConversation(string id, int number, string[] gateways, string token)
    {
        Id = id;
        _number = number;
        _gateways = gateways;
        _token = token;
    }

    public string Id { get; }

    /// <summary>Complete exchanges.</summary>
    public int Exchanges { get; private set; }

    /// <summary>Its watchers.</summary>
    public IReadOnlyList<SteadyWatcher> Watchers => _watchers;

    /// <summary>Whether a running reply is past its first eviction. Each token has a number, so the last number shows it.</summary>
    public bool IsPastEviction => _isReplying && _watchers[0].LastSeq > 4 + Window + 20;

    /// <summary>Creates it, with watchers at each gateway in turn.</summary>
    public static async Task<ChaosConversation> CreateAsync(ChatClient client, int number, string[] gateways, int watchers, Stopwatch clock)
    {
        ConversationView conversation = await client.CreateAsync(
            new
            {
                sinks = 4,
                window = Window,
                sampling = new
                {
                    maxTokens = TokensPerReply,
                    ignoreEos = true,
                    seed = 1000 + number,
                    temperature = 0.9,
                },
            }
        );
        var created = new ChaosConversation(conversation.Id, number, gateways, client.Token);
        for (int i = 0; i < watchers; i++)
            created._watchers.Add(new SteadyWatcher(conversation.Id, gateways, number + i, client.Token, clock));
        return created;
    }

    /// <summary>Exchanges messages until it is told to end, or for a number of exchanges, with a rest after each, as users read.</summary>
    public async Task RunAsync(TimeSpan rest, int exchanges = int.MaxValue)
    {
        while (Exchanges < exchanges && !_end.Task.IsCompleted)
        {
            int next = Exchanges + 1;
            _watchers.ForEach(w => w.ExpectEvent());
            int turn = await SendAsync($"Part {next} of story {_number}, please.", $"{_number}-{next}");
            Assert.Equal(2 * next - 1, turn);
            _isReplying = true;
            await _watchers[0].FinishedAsync(turn + 1);
            _isReplying = false;
            Exchanges = next;
            await Task.WhenAny(_end.Task.WaitAsync(rest)); // the end, or the rest is over
        }
    }

    /// <summary>Makes the current exchange the last.</summary>
    public void End() => _end.TrySetResult();

    /// <summary>All replies, as they are stored.</summary>
    public async Task<List<string>> RepliesAsync()
    {
        await using ChatClient client = await ChatClient.ConnectAsync(_gateways[0], _token);
        var replies = new List<string>();
        for (int exchange = 1; exchange <= Exchanges; exchange++)
            replies.Add(await client.ReadTurnTextAsync(Id, 2 * exchange));
        return replies;
    }

    /// <summary>Its state by its watchers and by each gateway, for the message of a failure.</summary>
    public async Task<string> DescribeAsync()
    {
        var text = new List<string>
        {
            $"{Id}: {Exchanges} exchanges, {(_isReplying ? "waits for a reply" : "sends")}, "
                + $"watchers at {string.Join(", ", _watchers.Select(w => w.LastSeq))}",
        };
        foreach (string gateway in _gateways)
        {
            try
            {
                await using ChatClient client = await ChatClient.ConnectAsync(gateway, _token);
                text.Add($"{gateway} says {await client.GetAsync(Id)}");
            }
            catch (Exception e)
            {
                text.Add($"{gateway} says {e.Message}");
            }
        }
        return string.Join(", ", text);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SteadyWatcher watcher in _watchers)
            await watcher.DisposeAsync();
    }

    /// <summary>Sends a message until it is accepted; its clientMessageId keeps it from being stored twice.</summary>
    private async Task<int> SendAsync(string text, string clientMessageId)
    {
        long deadline = Environment.TickCount64 + 120_000;
        for (int attempt = _number; ; attempt++)
        {
            try
            {
                await using ChatClient client = await ChatClient.ConnectAsync(_gateways[attempt % _gateways.Length], _token);
                return (await client.SendAsync(Id, text, clientMessageId)).Turn;
            }
            catch (Exception e)
                when (Environment.TickCount64 < deadline
                    && (e is not HubException || e.Message.Contains("try again in a", StringComparison.Ordinal))
                ) { }
        }
    }
}
