using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Gateway.Watching;

namespace Streaming.Gateway.Tests.Watching;

public sealed class RecentEventsTests
{
    private readonly FakeLog _log = new();

    [Fact]
    public void Slow_watcher_gets_the_deltas_of_a_turn_joined()
    {
        var recent = new RecentEvents();
        recent.Add(_log.Append(EventKind.Started, 2, [null]));
        recent.Add(_log.Append(EventKind.Delta, 2, "one ", "two "));
        recent.Add(_log.Append(EventKind.Delta, 2, [null]));
        recent.Add(_log.Append(EventKind.Delta, 2, "three"));
        recent.Add(_log.Append(EventKind.Finished, 2, [null]));

        Assert.Equal((1, 1), Range(recent.After(0)));
        Assert.Equal((2, 5), Range(recent.After(1)));
        Assert.Equal("one two three", recent.After(1)!.Text);
        Assert.Equal((6, 6), Range(recent.After(5)));
        Assert.Null(recent.After(6));
    }

    [Fact]
    public void Deltas_of_two_turns_are_not_joined()
    {
        var recent = new RecentEvents();
        recent.Add(_log.Append(EventKind.Delta, 2, "a"));
        recent.Add(_log.Append(EventKind.Delta, 4, "b"));

        Assert.Equal("a", recent.After(0)!.Text);
        Assert.Equal("b", recent.After(1)!.Text);
    }

    [Fact]
    public void Joined_piece_is_not_longer_than_the_limit()
    {
        var recent = new RecentEvents();
        for (int i = 0; i < 5; i++)
            recent.Add(_log.Append(EventKind.Delta, 2, new string('x', Limits.PieceLength / 2 - 1)));

        Assert.Equal((1, 2), Range(recent.After(0)));
        Assert.Equal((3, 4), Range(recent.After(2)));
        Assert.Equal((5, 5), Range(recent.After(4)));
    }

    [Fact]
    public void Position_inside_a_group_is_read_from_the_log()
    {
        var recent = new RecentEvents();
        recent.Add(_log.Append(EventKind.Delta, 2, "a", "b", "c"));

        Assert.Null(recent.After(1));
        Assert.Equal((1, 3), Range(recent.After(0)));
    }

    [Fact]
    public void Gap_removes_earlier_events_and_repeated_or_late_events_change_nothing()
    {
        ConversationEvent[] events = [.. Enumerable.Range(1, 5).Select(i => _log.Append(EventKind.Delta, 2, $"{i}"))];
        var recent = new RecentEvents();
        foreach (int arrival in (int[])[1, 2, 2, 1, 5, 3, 4])
            recent.Add(events[arrival - 1]);

        Assert.Equal(1, recent.Count);
        Assert.Null(recent.After(0));
        Assert.Equal("5", recent.After(4)!.Text);
    }

    [Fact]
    public void Event_that_overlaps_the_last_one_removes_earlier_events()
    {
        ConversationEvent first = _log.Append(EventKind.Delta, 2, "a", "b");
        _log.Append(EventKind.Delta, 2, "c");
        var recent = new RecentEvents();
        recent.Add(first);
        recent.Add(_log.Read(1).Events[0]); // 2..3

        Assert.Null(recent.After(0));
        Assert.Equal("bc", recent.After(1)!.Text);
    }

    [Fact]
    public void Count_and_text_stay_within_their_limits()
    {
        var recent = new RecentEvents(capacity: 8, textCapacity: 100);
        for (int i = 0; i < 1000; i++)
        {
            recent.Add(_log.Append(EventKind.Delta, 2, new string('x', i % 150)));
            Assert.True(recent.Count <= 8 && recent.TextLength <= 100);
        }
        for (int i = 0; i < 20; i++)
            recent.Add(_log.Append(EventKind.Delta, 2, "y"));

        Assert.Equal(8, recent.Count);
        Assert.Equal(8, recent.TextLength);
        Assert.Equal("yyyyyyyy", recent.After(1012)!.Text);
    }

    private static (long, long) Range(ConversationEvent? found) => (found!.FirstSeq(), found.Seq!.Value);
}
