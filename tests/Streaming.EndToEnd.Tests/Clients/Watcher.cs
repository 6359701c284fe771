using System.Text;
using Microsoft.AspNetCore.SignalR;

namespace Streaming.EndToEnd.Tests.Clients;

/// <summary>
/// Watches a conversation as a browser would, over any number of connections: goes on after its last number, and fails at once
/// when a number is missing, repeated or comes with another text than it was shown with.
/// </summary>
internal sealed class Watcher(string id)
{
    /// <summary>The longest that an event is waited for: only a failing test waits so long, on a slow machine too.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(3);

    private readonly Dictionary<int, StringBuilder> _texts = [];
    private readonly List<EventView> _events = [];

    /// <summary>The last number seen.</summary>
    public long LastSeq { get; private set; }

    /// <summary>Everything with a number, in order.</summary>
    public IReadOnlyList<EventView> Events => _events;

    /// <summary>Kinds of the events without a number, in order.</summary>
    public List<string> Transient { get; } = [];

    /// <summary>The joined texts of a turn's delta and finished events.</summary>
    public string TextOf(int turn) => _texts.TryGetValue(turn, out StringBuilder? text) ? text.ToString() : "";

    /// <summary>Watches until an event arrives that the caller waits for; false if the connection ended before.</summary>
    public async Task<bool> UntilAsync(
        ChatClient client,
        Func<EventView, bool> awaited,
        TimeSpan? limit = null,
        CancellationToken leaving = default
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken, leaving);
        timeout.CancelAfter(limit ?? DefaultLimit);
        try
        {
            await foreach (EventView e in client.WatchAsync(id, LastSeq, timeout.Token))
            {
                Take(e);
                if (awaited(e))
                    return true;
            }
            return false;
        }
        catch (Exception) when (timeout.IsCancellationRequested)
        {
            throw new TimeoutException(
                $"Conversation {id}: what was awaited did not come within {limit ?? DefaultLimit}; the last number is {LastSeq}."
            );
        }
        catch (Exception e) when (e is not (Xunit.Sdk.XunitException or HubException))
        {
            return false; // The host went away.
        }
        finally
        {
            await timeout.CancelAsync(); // Leaving the loop alone does not tell the server.
        }
    }

    private void Take(EventView e)
    {
        if (e.Seq is not { } seq)
        {
            Transient.Add(e.Kind);
            return;
        }
        Assert.Equal(LastSeq + 1, e.FirstSeq);
        Assert.True(seq >= e.FirstSeq, $"The range {e.FirstSeq}..{seq} runs backwards.");
        LastSeq = seq;
        _events.Add(e);
        if (e.Kind is "delta" or "finished")
        {
            if (!_texts.TryGetValue(e.Turn, out StringBuilder? text))
                _texts[e.Turn] = text = new StringBuilder();
            text.Append(e.Text);
        }
    }
}
