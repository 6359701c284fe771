using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans.Concurrency;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Gateway.Watching;

namespace Streaming.Gateway.Tests.Watching;

/// <summary>
/// Each watcher, fast or slow, sees every number after its own once and in order, even if the calls of a conversation are lost,
/// repeated, late or reordered, or the silo is unreachable.
/// </summary>
public sealed class ConversationFeedProperties
{
    private const int Steps = 400;
    private const int Watchers = 6;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory, MemberData(nameof(Seeds))]
    public async Task Every_watcher_sees_every_number_once_and_in_order(int seed)
    {
        var random = new Random(seed);
        var time = new FakeTimeProvider();
        var log = new FakeLog();
        (IConversationGrain grain, ScriptedGrain script) = ScriptedGrain.Over(log);
        await using var feed = new ConversationFeed("c", grain, new StoredPages(), new ReadLimiter(), time, NullLogger.Instance);
        feed.Start(feed);

        var late = new List<ConversationEvent[]>();
        var watchers = new List<(Watcher Watcher, long After)>();
        int turn = 1;
        for (int step = 0; step < Steps; step++)
        {
            if (step == watchers.Count * (Steps / 2 / Watchers) && watchers.Count < Watchers)
            {
                long after = random.NextInt64(log.LastSeq + 1); // also in the middle of a group
                watchers.Add((new Watcher(leaving => feed.Watch("me", after, leaving)), after));
            }
            switch (random.Next(10))
            {
                case < 5:
                    ConversationEvent[] call = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Append(log, random, ref turn))];
                    switch (random.Next(8))
                    {
                        case 0:
                            break; // lost
                        case 1:
                            late.Add(call);
                            break;
                        case 2:
                            Publish(feed, call);
                            Publish(feed, call);
                            break;
                        case 3:
                            Publish(
                                feed,
                                [
                                    .. call,
                                    new ConversationEvent
                                    {
                                        Kind = EventKind.Progress,
                                        Turn = turn,
                                        Share = 0.5,
                                    },
                                ]
                            );
                            break;
                        default:
                            Publish(feed, call);
                            break;
                    }
                    break;
                case 5 when late.Count > 0:
                    int which = random.Next(late.Count);
                    Publish(feed, late[which]);
                    late.RemoveAt(which);
                    break;
                case 6:
                    script.Unreachable = random.Next(3) == 0;
                    script.MostNumbersPerPage = random.Next(1, 40);
                    break;
                case 7:
                    time.Advance(TimeSpan.FromMilliseconds(random.Next(3000)));
                    break;
                default:
                    foreach ((Watcher watcher, _) in watchers)
                        watcher.Allow(random.Next(1, 4));
                    await Task.Yield();
                    break;
            }
        }

        script.Unreachable = false;
        var all = Task.WhenAll(
            watchers.Select(entry => log.LastSeq > entry.After ? entry.Watcher.Allow().Reaches(log.LastSeq) : Task.CompletedTask)
        );
        while (!all.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Yield();
        }
        await all;

        Assert.Equal(Watchers, watchers.Count);
        foreach ((Watcher watcher, long after) in watchers)
        {
            long expected = after + 1;
            foreach (ConversationEvent next in watcher.Seen.Where(next => next.Seq is not null))
            {
                Assert.Equal(expected, next.FirstSeq());
                Assert.Equal(log.Of(next.FirstSeq(), next.Seq!.Value), next);
                expected = next.Seq.Value + 1;
            }
            Assert.Equal(log.LastSeq + 1, expected);
            await watcher.DisposeAsync();
        }
    }

    private static ConversationEvent Append(FakeLog log, Random random, ref int turn)
    {
        switch (random.Next(12))
        {
            case 0:
                return log.Append(EventKind.Message, ++turn, $"message {turn}");
            case 1:
                return log.Append(EventKind.Started, ++turn, [null]);
            case 2:
                return log.Append(EventKind.Finished, turn, "end");
            default:
                return log.Append(
                    EventKind.Delta,
                    turn,
                    [.. Enumerable.Range(0, random.Next(1, 17)).Select(_ => random.Next(4) == 0 ? null : $"{random.Next(1000)} ")]
                );
        }
    }

    private static void Publish(ConversationFeed feed, ConversationEvent[] events) =>
        Assert.True(feed.OnEvents("c", new Immutable<IReadOnlyList<ConversationEvent>>(events)).IsCompletedSuccessfully);
}
