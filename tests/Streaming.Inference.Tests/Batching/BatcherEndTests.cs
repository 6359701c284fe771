using Streaming.Inference.Batching;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tokenizing;
using static Streaming.Inference.Tests.Batching.TestDevice;

namespace Streaming.Inference.Tests.Batching;

/// <summary>How jobs end, and the state of their slots afterwards.</summary>
public class BatcherEndTests
{
    private static readonly DecodeJob Typical = Job() with
    {
        Sampling = new SamplingParameters
        {
            Temperature = 2,
            TopP = 1,
            MaxTokens = 200,
        },
    };
    private static readonly int[] Reply = Expected(Typical, 200);

    [Fact]
    public async Task An_end_token_is_output_without_text_and_ends_the_reply()
    {
        (int end, int at) = FirstSeen(10);
        await using var device = new TestDevice(endTokens: end);

        List<DecodeOutput> outputs = await device.RunAsync(Typical);

        Assert.Equal(Reply[..(at + 1)], Ids(outputs));
        Assert.Equal("", outputs.OfType<TokenSampled>().Last().Text);
        Assert.Equal(EndReason.Stop, End(outputs).Reason);

        // The end token is pending, not fed.
        List<DecodeOutput> more = await device.RunAsync(Typical with { Reset = false, Input = [new TokenRun(5 + at, new[] { end })] });
        Assert.Equal(1, End(more).InputTokens);
    }

    [Fact]
    public async Task Ignored_end_tokens_are_never_sampled_in_a_job()
    {
        (int end, _) = FirstSeen(10);
        await using var device = new TestDevice(endTokens: end);

        List<DecodeOutput> outputs = await device.RunAsync(Typical with { Sampling = Typical.Sampling with { IgnoreEos = true } });

        Assert.Equal(200, Ids(outputs).Length);
        Assert.DoesNotContain(end, Ids(outputs));
        Assert.Equal(EndReason.Length, End(outputs).Reason);
    }

    [Fact]
    public async Task Other_control_tokens_are_suppressed_only_if_the_end_is_ignored()
    {
        (int control, _) = FirstSeen(10);
        await using var device = new TestDevice(controlTokens: [control]);

        Assert.Contains(control, Ids(await device.RunAsync(Typical)));
        Assert.DoesNotContain(control, Ids(await device.RunAsync(Typical with { Sampling = Typical.Sampling with { IgnoreEos = true } })));
    }

    [Fact]
    public async Task A_stop_string_ends_the_reply_and_is_not_part_of_it()
    {
        await using var device = new TestDevice();
        string text = Text(await device.RunAsync(Typical));
        int at = Enumerable
            .Range(20, text.Length)
            .First(i =>
                char.IsAscii(text[i]) && char.IsAscii(text[i + 1]) && text.IndexOf(text.Substring(i, 2), StringComparison.Ordinal) == i
            );

        List<DecodeOutput> outputs = await device.RunAsync(
            Typical with
            {
                Sampling = Typical.Sampling with { Stop = [text.Substring(at, 2)] },
            }
        );

        Assert.Equal(text[..at], Text(outputs));
        Assert.Equal(EndReason.Stop, End(outputs).Reason);
        Assert.True(Ids(outputs).Length < 200, "The reply went on.");
    }

    [Fact]
    public async Task A_control_token_as_stop_string_ends_the_reply_before_its_text()
    {
        (int control, int at) = FirstSeen(10);
        await using var device = new TestDevice(vocabulary: new WithControl(control));
        DecodeJob job = Typical with { Sampling = Typical.Sampling with { Stop = ["never said", "<stop>"] } };

        List<DecodeOutput> outputs = await device.RunAsync(job);

        Assert.Equal(Reply[..(at + 1)], Ids(outputs));
        Assert.Equal("", outputs.OfType<TokenSampled>().Last().Text);
        Assert.Equal(EndReason.Stop, End(outputs).Reason);
        Assert.Equal(200, Ids(await device.RunAsync(Typical)).Length);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task A_reply_that_was_interrupted_after_its_last_token_does_not_go_on(bool byEndToken)
    {
        (int last, int at) = FirstSeen(10);
        await using TestDevice device = byEndToken ? new TestDevice(endTokens: last) : new TestDevice(vocabulary: new WithControl(last));
        DecodeJob job = Typical with { Sampling = Typical.Sampling with { Stop = byEndToken ? [] : ["<stop>"] } };
        await device.RunAsync(job);

        List<DecodeOutput> outputs = await device.RunAsync(
            job with
            {
                Reset = false,
                Input = [new TokenRun(5 + at, new[] { last })],
                AlreadyGenerated = at + 1,
            }
        );

        Assert.Empty(Ids(outputs));
        Assert.Equal(EndReason.Stop, End(outputs).Reason);
        // A new prompt may end with the same token.
        Assert.NotEmpty(Ids(await device.RunAsync(job with { Reset = false, Input = [new TokenRun(5 + at, new[] { last })] })));
    }

    [Theory]
    [InlineData(1), InlineData(13), InlineData(60)]
    public async Task Sampling_that_looks_back_is_the_same_after_an_interruption_and_a_rebuild(int after)
    {
        (int end, _) = FirstSeen(10);
        DecodeJob job = Typical with
        {
            Layout = new(4, 12), // the reply outgrows it
            Sampling = Typical.Sampling with
            {
                NoRepeatNgramSize = 2,
                BadWordsIds =
                [
                    [Reply[3], Reply[4]],
                    [Reply[7]],
                ],
                BeginSuppressTokens = [Reply[0]],
                MinNewTokens = 100,
                TypicalP = 0.95,
                MaxTokens = 120,
            },
        };
        await using var device = new TestDevice(endTokens: end);
        int[] whole = Ids(await device.RunAsync(job));
        Assert.DoesNotContain(end, whole[..100]);
        Assert.NotEqual(Reply[0], whole[0]);
        Assert.DoesNotContain(Reply[7], whole);

        int[] all = [.. Input(5), .. whole[..after]];
        int tail = Math.Max(4, all.Length - device.Batcher.RebuildLength(12));
        List<DecodeOutput> rest = await device.RunAsync(
            job with
            {
                Slot = 1,
                Input = [new TokenRun(0, all.AsMemory(0, 4)), new TokenRun(tail, all.AsMemory(tail))],
                AlreadyGenerated = after,
            }
        );

        Assert.Equal(whole[after..], Ids(rest));
    }

    [Fact]
    public async Task Sampling_that_forbids_every_token_ends_its_own_reply_with_a_sentence()
    {
        await using var device = new TestDevice();
        Task<List<DecodeOutput>> other = device.RunAsync(Typical with { Slot = 1 });

        InputException refusal = await Assert.ThrowsAsync<InputException>(() =>
            device.RunAsync(Typical with { Sampling = Typical.Sampling with { SuppressTokens = [.. Enumerable.Range(0, 257)] } })
        );

        Assert.StartsWith("The sampling forbids every token", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(200, Ids(await other).Length);
        Assert.Equal(Reply, Ids(await device.RunAsync(Typical)));
    }

    [Fact]
    public async Task Text_held_back_for_a_stop_string_is_output_at_the_end()
    {
        await using var device = new TestDevice();
        DecodeJob shorter = Typical with { Sampling = Typical.Sampling with { MaxTokens = LastAsciiToken() + 1 } };
        string text = Text(await device.RunAsync(shorter));

        List<DecodeOutput> outputs = await device.RunAsync(
            shorter with
            {
                Sampling = shorter.Sampling with { Stop = [text[^1] + "never"] },
            }
        );

        Assert.Equal(text, Text(outputs));
        Assert.Equal(text[^1..], End(outputs).Text);
        Assert.Equal(text[^1..], outputs.OfType<TokenSampled>().Last().State.HeldBack);

        static int LastAsciiToken() => Array.FindLastIndex(Reply, id => id is > ' ' and < 127);
    }

    [Theory]
    [InlineData(0, 12), InlineData(5, 7), InlineData(11, 1)]
    public async Task The_token_limit_includes_tokens_from_before_an_interruption(int already, int sampled)
    {
        await using var device = new TestDevice();

        List<DecodeOutput> outputs = await device.RunAsync(
            Typical with
            {
                AlreadyGenerated = already,
                Sampling = Typical.Sampling with { MaxTokens = 12 },
            }
        );

        Assert.Equal(Reply[..sampled], Ids(outputs));
        Assert.Equal(EndReason.Length, End(outputs).Reason);
    }

    [Fact]
    public async Task A_job_at_its_token_limit_ends_at_once_and_leaves_the_slot_unchanged()
    {
        await using var device = new TestDevice();
        int[] reply = Ids(await device.RunAsync(Job()));
        DecodeJob next = Job() with { Reset = false, Input = [new TokenRun(5 + 29, new[] { reply[^1] })] };

        List<DecodeOutput> outputs = await device.RunAsync(next with { AlreadyGenerated = 30 });

        Assert.Equal(
            new DecodeEnded(EndReason.Length, "", 0, TimeSpan.Zero, TimeSpan.Zero),
            End(outputs) with
            {
                InputTime = TimeSpan.Zero,
            }
        );
        Assert.Single(outputs);
        Assert.Equal(30, Ids(await device.RunAsync(next)).Length);
    }

    [Fact]
    public async Task A_stop_ends_the_reply_after_the_current_step_with_all_tokens_delivered()
    {
        await using var device = new TestDevice();
        using var gate = new StepGate(device);
        Task<List<DecodeOutput>> running = device.RunAsync(Typical with { Sampling = Typical.Sampling with { MaxTokens = 0 } });
        await gate.BegunAsync();
        await gate.NextAsync();
        await gate.NextAsync(); // the third step has begun

        device.Batcher.Stop(0, EndReason.Interrupted);
        gate.Open();
        List<DecodeOutput> outputs = await running;

        Assert.Equal(Reply[..3], Ids(outputs));
        Assert.Equal(EndReason.Interrupted, End(outputs).Reason);
        Assert.Equal(3, gate.Rows.Count);

        // Two of the three are fed, the third is pending.
        Assert.Equal(
            1,
            End(await device.RunAsync(Typical with { Reset = false, Input = [new TokenRun(7, new[] { Reply[2] })] })).InputTokens
        );
    }

    [Fact]
    public async Task A_stop_during_prefill_ends_the_job_and_reports_the_tokens_prefilled()
    {
        await using var device = new TestDevice(options: new BatcherOptions { PrefillTokens = 10 });
        using var gate = new StepGate(device);
        Task<List<DecodeOutput>> running = device.RunAsync(Job(inputTokens: 35));
        await gate.BegunAsync();
        await gate.NextAsync();

        device.Batcher.Stop(0, EndReason.Stopped);
        gate.Open();
        List<DecodeOutput> outputs = await running;

        Assert.Empty(Ids(outputs));
        Assert.Equal((EndReason.Stopped, 20), (End(outputs).Reason, End(outputs).InputTokens));
        List<DecodeOutput> rest = await device.RunAsync(Job() with { Reset = false, Input = [new TokenRun(20, Input(35).AsMemory(20))] });
        Assert.Equal(Expected(Job(inputTokens: 35), 30), Ids(rest));
    }

    [Fact]
    public async Task Stopping_an_idle_slot_has_no_effect()
    {
        await using var device = new TestDevice();

        device.Batcher.Stop(0, EndReason.Stopped);

        Assert.Equal(200, Ids(await device.RunAsync(Typical)).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => device.Batcher.Stop(4, EndReason.Stopped));
        Assert.Throws<ArgumentOutOfRangeException>(() => device.Batcher.Stop(-1, EndReason.Stopped));
    }

    [Fact]
    public async Task A_cancelled_job_ends_between_steps_and_its_slot_must_be_reset()
    {
        await using var device = new TestDevice();
        using var cancellation = new CancellationTokenSource();
        await using IAsyncEnumerator<DecodeOutput> reader = device
            .Batcher.DecodeAsync(Typical with { Sampling = Typical.Sampling with { MaxTokens = 0 } }, cancellation.Token)
            .GetAsyncEnumerator(CancellationToken.None);
        for (int i = 0; i < 5; i++)
            Assert.True(await reader.MoveNextAsync());

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await reader.MoveNextAsync()) { }
        });
        InputException refusal = await Assert.ThrowsAsync<InputException>(() =>
            device.RunAsync(Typical with { Reset = false, Input = [new TokenRun(9, new[] { 1 })] })
        );
        Assert.StartsWith("The position of slot 0 is unknown", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(Reply, Ids(await device.RunAsync(Typical)));
    }

    [Fact]
    public async Task A_reader_that_stops_reading_frees_the_slot()
    {
        await using var device = new TestDevice();
        await foreach (
            DecodeOutput _ in device.Batcher.DecodeAsync(
                Typical with
                {
                    Sampling = Typical.Sampling with { MaxTokens = 0 },
                },
                TestContext.Current.CancellationToken
            )
        )
            break;

        Assert.Equal(Reply, Ids(await device.RunAsync(Typical)));
    }

    /// <summary>Bytes, of which one is the control token "&lt;stop&gt;".</summary>
    private sealed class WithControl(int control) : IVocabulary
    {
        public ReadOnlyMemory<byte> BytesOf(int id) => id == control ? default : Vocabulary.BytesOf(id);

        public IEnumerable<int?> PartsOf(string text) => [text == "<stop>" ? control : null];
    }

    /// <summary>A token whose first occurrence in the typical reply is at or after this index.</summary>
    private static (int Id, int At) FirstSeen(int from)
    {
        int at = Enumerable.Range(from, Reply.Length - from).First(i => Array.IndexOf(Reply, Reply[i]) == i);
        return (Reply[at], at);
    }
}
