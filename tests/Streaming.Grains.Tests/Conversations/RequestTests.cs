using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Tests.Hosting;
using Streaming.Inference.Sampling;

namespace Streaming.Grains.Tests.Conversations;

/// <summary>What a conversation takes from its callers, and what it refuses.</summary>
public sealed class RequestTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;
    private const int Places = 64;

    private readonly TemporaryFolder _data = new();
    private readonly ScriptedDevice _device = new(slots: 2, capacity: Places);

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_bias_reaches_the_device_and_an_impossible_one_is_refused()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device);
        NewConversation Biased(int id, double bias) =>
            new()
            {
                Sampling = new Sampling
                {
                    MaxTokens = 2,
                    LogitBias = new Dictionary<int, double> { [id] = bias },
                },
            };
        IConversationGrain grain = await host.CreateAsync(Biased(7, -100));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished);

        Assert.Equal([KeyValuePair.Create(7, -100.0)], _device.Jobs.Single().Sampling.LogitBias);
        foreach (NewConversation refused in new[] { Biased(-1, 1), Biased(7, 100.5), Biased(7, double.NaN) })
            Assert.Equal(Refusal.Invalid, (await Assert.ThrowsAsync<RequestRefusedException>(() => host.CreateAsync(refused))).Refusal);
    }

    [Fact]
    public async Task Sampling_reaches_the_device_with_the_checkpoints_values_where_it_leaves_some_open()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device);
        IConversationGrain grain = await host.CreateAsync(
            new()
            {
                Sampling = new Sampling
                {
                    MaxTokens = 2,
                    TypicalP = 0.5,
                    NoRepeatNgramSize = 3,
                    BeginSuppressTokens = [5],
                    BadWordsIds =
                    [
                        [6],
                        [7, 8],
                    ],
                    Stop = ["<|im_end|>"],
                },
            }
        );
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2);
        await grain.Configure(Caller, new() { Sampling = new Sampling { MaxTokens = 2 } });
        await grain.Send(Caller, "And you?", "m2");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 4);

        SamplingParameters[] sampling = [.. _device.Jobs.Select(job => job.Sampling)];
        Assert.Equal((0.5, 3, 1L), (sampling[0].TypicalP, sampling[0].NoRepeatNgramSize, sampling[0].MinNewTokens));
        Assert.Equal([5], sampling[0].BeginSuppressTokens);
        Assert.Equal<int[]>(
            [
                [6],
                [7, 8],
            ],
            sampling[0].BadWordsIds.Select(word => word.ToArray())
        );
        Assert.Equal([4000], sampling[0].SuppressTokens);
        Assert.Equal(["<|im_end|>"], sampling[0].Stop);
        Assert.Equal((0.99, 0, 1L), (sampling[1].TypicalP, sampling[1].NoRepeatNgramSize, sampling[1].MinNewTokens));
        Assert.Equal(["checkpoint's"], sampling[1].Stop);
    }

    public static TheoryData<string, Sampling> Refused =>
        new()
        {
            {
                "sampling.repeatPenalty is 1E-40; it must be 0.000001 to 100.",
                new() { RepeatPenalty = 1e-40 }
            },
            {
                "sampling.logitBias names the token 4096; ",
                new() { LogitBias = new Dictionary<int, double> { [4096] = 1 } }
            },
            {
                "sampling.logitBias names the token -1; ",
                new() { LogitBias = new Dictionary<int, double> { [-1] = 1 } }
            },
            {
                "sampling.suppressTokens names the token 4096; ",
                new() { SuppressTokens = [1, 4096] }
            },
            {
                "sampling.suppressTokens has 1025 tokens; ",
                new() { SuppressTokens = new int[1025] }
            },
            {
                "sampling.beginSuppressTokens names the token 9999; ",
                new() { BeginSuppressTokens = [9999] }
            },
            {
                "sampling.badWordsIds names the token 4096; ",
                new()
                {
                    BadWordsIds =
                    [
                        [1],
                        [1, 4096],
                    ],
                }
            },
            {
                "sampling.badWordsIds has a sequence of 0 tokens; ",
                new()
                {
                    BadWordsIds =
                    [
                        [],
                    ],
                }
            },
            {
                "sampling.badWordsIds has a sequence of 65 tokens; ",
                new() { BadWordsIds = [new int[65]] }
            },
            {
                "sampling.badWordsIds has 257 sequences; ",
                new() { BadWordsIds = [.. Enumerable.Repeat<int[]>([1], 257)] }
            },
            {
                "sampling.typicalP is 0; ",
                new() { TypicalP = 0 }
            },
            {
                "sampling.typicalP is NaN; ",
                new() { TypicalP = double.NaN }
            },
            {
                "sampling.noRepeatNgramSize is -1; ",
                new() { NoRepeatNgramSize = -1 }
            },
            {
                "sampling.minNewTokens is -1; ",
                new() { MinNewTokens = -1 }
            },
            {
                "sampling.stop: The stop string '<|im_end|> ' joins a control token",
                new() { Stop = ["ok", "<|im_end|>\n"] }
            },
            {
                "sampling.stop names a control token, which ignoreEos",
                new() { Stop = ["<|im_end|>"], IgnoreEos = true }
            },
        };

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public async Task Sampling_that_no_reply_could_use_is_refused_when_it_is_set(string sentence, Sampling sampling)
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device);
        IConversationGrain grain = await host.CreateAsync(new NewConversation { Sampling = new Sampling { MaxTokens = 3 } });

        foreach (Func<Task> setting in (Func<Task>[])[Create, Configure])
        {
            RequestRefusedException refused = await Assert.ThrowsAsync<RequestRefusedException>(setting);
            Assert.Equal(Refusal.Invalid, refused.Refusal);
            Assert.StartsWith(sentence, refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refused.Message);
        }
        Assert.Equal((null, 3L), ((await grain.Get(Caller)).Title, (await grain.Get(Caller)).Sampling.MaxTokens));

        Task Create() => host.CreateAsync(new() { Sampling = sampling });
        Task Configure() => grain.Configure(Caller, new() { Title = "new", Sampling = sampling });
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    [InlineData("half ? a pair")]
    public async Task A_bad_message_is_refused_and_leaves_nothing(string text)
    {
        text = text.Replace('?', '\ud83d'); // An attribute cannot hold half a surrogate pair.
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device);
        IConversationGrain grain = await host.CreateAsync();
        Assert.Equal(Refusal.Invalid, (await Assert.ThrowsAsync<RequestRefusedException>(() => grain.Send(Caller, text, "m1"))).Refusal);
        Assert.Equal(0, (await grain.Get(Caller)).LastSeq);
    }

    [Fact]
    public async Task A_message_over_the_limit_is_refused_with_both_sizes()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device);
        IConversationGrain grain = await host.CreateAsync();
        RequestRefusedException refused = await Assert.ThrowsAsync<RequestRefusedException>(() =>
            grain.Send(Caller, new string('é', Limits.MessageBytes / 2 + 1), "m1")
        );
        Assert.Equal("The message has 1048578 bytes of UTF-8, and 1048576 is the most: send it in parts.", refused.Message);
    }

    [Fact]
    public async Task A_pinned_prompt_takes_its_places_from_the_window_and_at_most_half_of_all()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device);
        IConversationGrain grain = await host.CreateAsync(new NewConversation { SystemPrompt = "You are a pirate and talk like one." });
        Conversation pirate = await grain.Get(Caller);
        Assert.InRange(pirate.Fixed, 5, 32);
        Assert.Equal(Places, pirate.Fixed + pirate.Window);

        string tooLong = string.Concat(Enumerable.Repeat("You are a pirate. ", 20));
        RequestRefusedException refused = await Assert.ThrowsAsync<RequestRefusedException>(() =>
            host.CreateAsync(new NewConversation { SystemPrompt = tooLong })
        );
        Assert.Contains("32", refused.Message, StringComparison.Ordinal);
        Conversation unpinned = await (await host.CreateAsync(new NewConversation { SystemPrompt = tooLong, PinSystemPrompt = false })).Get(
            Caller
        );
        Assert.Equal((4, Places - 4), (unpinned.Fixed, unpinned.Window));
    }

    [Fact]
    public async Task A_number_beyond_the_last_event_is_refused()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device);
        IConversationGrain grain = await host.CreateAsync();
        Assert.Equal(Refusal.Invalid, (await Assert.ThrowsAsync<RequestRefusedException>(() => grain.ReadEvents(Caller, 1))).Refusal);
        Assert.Empty((await grain.ReadEvents(Caller, 0)).Events);
    }
}
