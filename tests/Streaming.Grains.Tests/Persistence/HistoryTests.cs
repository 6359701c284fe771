using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Persistence;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests.Persistence;

/// <summary>A page of turns costs what it returns.</summary>
public sealed class HistoryTests
{
    [Fact]
    public async Task One_turn_among_large_messages_costs_a_few_messages()
    {
        string text = new('x', Limits.MessageBytes);
        (IConversationLog log, CountingLog cost) = CountingLog.Of([.. Enumerable.Range(1, 2_100).Select(turn => Row(turn, turn, 1, text))]);

        TurnPage page = await new History(log, "c").TurnsBeforeAsync(2_101, 1, TestContext.Current.CancellationToken);

        Assert.Equal(text, string.Concat(page.Items.Select(item => item.Text)));
        Assert.Equal(2_100, page.Next);
        Assert.Equal((5, 5L << 20), (cost.Reads, cost.Bytes)); // 32, 8, 2 and 1 numbers, and the one before the turn
    }

    [Fact]
    public async Task Fifty_short_turns_cost_a_few_reads()
    {
        (IConversationLog log, CountingLog cost) = CountingLog.Of([
            .. Enumerable.Range(0, 4_000).Select(i => Row(16L * i + 1, i + 1, 16, "one two three four five six seven")),
        ]);

        TurnPage page = await new History(log, "c").TurnsBeforeAsync(64_001, 50, TestContext.Current.CancellationToken);

        Assert.Equal(50, page.Items.Count);
        Assert.Equal(4, cost.Reads); // 32, 128, 512 and 2,000 numbers
    }

    [Theory, MemberData(nameof(Seeds))]
    public async Task Pages_together_are_the_whole_conversation(int seed)
    {
        var random = new Random(seed);
        var rows = new List<LogEvent>();
        for (long seq = 1, turn = 1; rows.Count < 300; )
        {
            int numbers = random.Next(1, 40);
            string text = new((char)random.Next('a', 'z'), random.Next(20) == 0 ? random.Next(300_000) : random.Next(1, 200));
            rows.Add(Row(seq, (int)turn, numbers, text));
            seq += numbers;
            turn += random.Next(3) == 0 ? 1 : 0;
        }
        (IConversationLog log, _) = CountingLog.Of(rows);
        int take = random.Next(1, 12);

        string read = "";
        for (long? before = rows[^1].Last + 1; before is { } below; )
        {
            TurnPage page = await new History(log, "c").TurnsBeforeAsync(below, take, TestContext.Current.CancellationToken);
            read = string.Concat(page.Items.Select(item => item.Text)) + read;
            before = page.Next;
        }

        Assert.Equal(string.Concat(rows.Select(row => row.Text)), read);
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    private static LogEvent Row(long first, int turn, int numbers, string text) =>
        new()
        {
            First = first,
            Last = first + numbers - 1,
            Kind = numbers == 1 ? EventKind.Message : EventKind.Delta,
            Turn = turn,
            Text = text,
            At = DateTimeOffset.UnixEpoch,
        };
}
