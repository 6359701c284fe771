using Streaming.Inference.Batching;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tokenizing;
using static Streaming.Inference.Tests.Batching.TestDevice;

namespace Streaming.Inference.Tests.Batching;

/// <summary>The tokens of a job, and how several jobs share the device.</summary>
public class BatcherTests
{
    [Fact]
    public async Task Log_probabilities_are_unaffected_by_sampling()
    {
        await using var device = new TestDevice();
        var rows = new List<float[]>();
        device.Kernels.LogitsAreReady = logits => rows.Add(logits.to_type(TorchSharp.torch.ScalarType.Float32).data<float>().ToArray());
        int likeliest = Expected(Job(), 1)[0];
        var sampling = new SamplingParameters
        {
            Temperature = 0,
            TopP = 1,
            RepeatPenalty = 1.5,
            MaxTokens = 8,
            LogProbabilities = 3,
            LogitBias = new Dictionary<int, double> { [likeliest] = -100 },
        };

        TokenSampled[] tokens = [.. (await device.RunAsync(Job() with { Sampling = sampling })).OfType<TokenSampled>()];

        Assert.Equal(likeliest, tokens[0].LogProbabilities!.Top[0].Id); // although the bias forbids it
        Assert.DoesNotContain(likeliest, Ids(tokens));
        Assert.Equal(8, tokens.Length);
        foreach ((TokenSampled token, float[] row) in tokens.Zip(rows))
        {
            double total = Math.Log(row.Sum(logit => Math.Exp(logit)));
            (int Id, double Log)[] all =
            [
                .. row.Select((logit, id) => (id, logit - total)).OrderByDescending(t => t.Item2).ThenBy(t => t.id),
            ];
            Assert.Equal(token.Id, token.LogProbabilities!.Sampled.Id);
            Assert.Equal(row[token.Id] - total, token.LogProbabilities.Sampled.LogProbability, 9);
            Assert.Equal(all[..3].Select(t => t.Id), token.LogProbabilities.Top.Select(t => t.Id));
            Assert.All(all[..3].Zip(token.LogProbabilities.Top), pair => Assert.Equal(pair.First.Log, pair.Second.LogProbability, 9));
        }
    }

    [Theory]
    [InlineData(0), InlineData(1.3)]
    public async Task A_reply_equals_the_samples_of_a_plain_loop_over_the_decoder(double temperature)
    {
        await using var device = new TestDevice();
        DecodeJob job = Job() with
        {
            Branch = 3,
            Sampling = new SamplingParameters
            {
                Temperature = temperature,
                TopP = 0.95,
                Seed = 5,
                MaxTokens = 100,
                RepeatPenalty = 1.1,
                FrequencyPenalty = 0.1,
            },
        };

        List<DecodeOutput> outputs = await device.RunAsync(job);

        Assert.Equal(Expected(job, 100), Ids(outputs));
        Assert.Equal(101, outputs.Count);
        Assert.Equal(EndReason.Length, End(outputs).Reason);
        Assert.Equal(5, End(outputs).InputTokens);
    }

    [Fact]
    public async Task Jobs_join_and_leave_between_steps_and_sample_the_same_tokens_as_alone()
    {
        await using var device = new TestDevice();
        using var gate = new StepGate(device);
        DecodeJob first = Job(slot: 2, inputTokens: 5, inputSeed: 1),
            second =
                Job(slot: 0, inputTokens: 7, inputSeed: 2) with
                {
                    Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 3 },
                };

        Task<List<DecodeOutput>> a = device.RunAsync(first);
        await gate.BegunAsync();
        await gate.NextAsync();
        Task<List<DecodeOutput>> b = device.RunAsync(second);
        await gate.NextAsync(); // the current step was scheduled without the second job
        await gate.NextAsync();
        await gate.NextAsync();
        await gate.NextAsync();
        gate.Open();

        Assert.Equal(Expected(first, 30), Ids(await a));
        Assert.Equal(Expected(second, 3), Ids(await b));
        Assert.Equal([5, 1, 8, 2, 2, 1, 1], gate.Rows.Take(7));
        Assert.Equal(30, gate.Rows.Count); // the last token is not fed
    }

    [Fact]
    public async Task Eight_concurrent_replies_equal_those_of_each_alone()
    {
        await using var device = new TestDevice(slots: 8);
        DecodeJob[] jobs = [.. Enumerable.Range(0, 8).Select(slot => Job(slot, inputTokens: 3 + 9 * slot, inputSeed: slot))];

        List<DecodeOutput>[] outputs = await Task.WhenAll(jobs.Select(job => device.RunAsync(job)));

        foreach ((DecodeJob job, List<DecodeOutput> ofWork) in jobs.Zip(outputs))
            Assert.Equal(Expected(job, 30), Ids(ofWork));
    }

    [Fact]
    public async Task Prefills_a_long_input_in_chunks_while_other_replies_go_on()
    {
        await using var device = new TestDevice(options: new BatcherOptions { PrefillTokens = 16 });
        using var gate = new StepGate(device);
        DecodeJob talking = Job(slot: 0, inputTokens: 4),
            book = Job(slot: 1, inputTokens: 100, inputSeed: 3);

        Task<List<DecodeOutput>> a = device.RunAsync(talking);
        await gate.BegunAsync();
        Task<List<DecodeOutput>> b = device.RunAsync(book);
        gate.Open();

        List<DecodeOutput> read = await b;
        Assert.Equal(Expected(talking, 30), Ids(await a));
        Assert.Equal(Expected(book, 30), Ids(read));
        Assert.Equal([4, 17, 17, 17, 17, 17, 17, 5, 2], gate.Rows.Take(9));
        Assert.Equal(
            [16, 32, 48, 64, 80, 96, 100],
            read.TakeWhile(output => output is not TokenSampled)
                .Cast<PrefillProgress>()
                .Select(progress => progress.Total == 100 ? progress.Done : -1)
        );
    }

    [Fact]
    public async Task Long_inputs_take_turns_in_prefilling()
    {
        await using var device = new TestDevice(options: new BatcherOptions { PrefillTokens = 10 });
        using var gate = new StepGate(device);
        Task<List<DecodeOutput>> holder = device.RunAsync(Job(slot: 2, inputTokens: 1));
        await gate.BegunAsync();

        // Both jobs arrive while a step is held, so one is at most one chunk ahead of the other.
        DecodeJob one = Job(slot: 0, inputTokens: 50, inputSeed: 4),
            other = Job(slot: 1, inputTokens: 50, inputSeed: 5);
        Task<List<DecodeOutput>> a = device.RunAsync(one),
            b = device.RunAsync(other);
        gate.Open();

        Assert.Equal(Expected(one, 30), Ids(await a));
        Assert.Equal(Expected(other, 30), Ids(await b));
        await holder;
        // The ninth chunk ends one input, the tenth the other.
        Assert.Equal([1, 11, 11, 11, 11, 11, 11, 11, 11, 11, 12, 3], gate.Rows.Take(12));
    }

    [Fact]
    public async Task An_interrupted_reply_resumes_with_the_same_tokens()
    {
        DecodeJob job = Job() with
        {
            Branch = 2,
            Sampling = new SamplingParameters
            {
                Temperature = 1,
                TopP = 0.9,
                Seed = 77,
                MaxTokens = 90,
                Stop = ["never met"],
            },
        };
        await using var uninterrupted = new TestDevice();
        List<DecodeOutput> whole = await uninterrupted.RunAsync(job);

        for (int told = 1; told < 90; told += 11)
        {
            await using var device = new TestDevice();
            List<DecodeOutput> begun = [.. whole.Take(told)];
            List<DecodeOutput> rest = await device.RunAsync(
                job with
                {
                    Input = [new TokenRun(0, (int[])[.. job.Input[0].Ids.Span, .. Ids(begun)])],
                    AlreadyGenerated = told,
                    Text = begun.Cast<TokenSampled>().Last().State,
                }
            );

            Assert.Equal(Ids(whole), Ids([.. begun, .. rest]));
            Assert.Equal(Text(whole), Text(begun) + Text(rest));
            Assert.Equal(EndReason.Length, End(rest).Reason);
        }
    }

    [Fact]
    public async Task A_rebuilt_slot_continues_with_the_same_tokens()
    {
        await using var device = new TestDevice();
        int[] ids = Input(20 * Layout.Window);
        DecodeJob lived = Job(slot: 0) with { Input = [new TokenRun(0, ids)] };
        int from = ids.Length - device.Batcher.RebuildLength(Layout.Window);
        DecodeJob rebuilt = lived with
        {
            Slot = 1,
            Input = [new TokenRun(0, ids.AsMemory(0, Layout.Fixed)), new TokenRun(from, ids.AsMemory(from))],
        };

        Assert.Equal(Ids(await device.RunAsync(lived)), Ids(await device.RunAsync(rebuilt)));
        Assert.Equal(1 + (Layout.Window - 1) * 2, ids.Length - from);
    }

    [Fact]
    public async Task A_continuation_begins_at_the_slots_position_with_the_pending_token()
    {
        await using var device = new TestDevice();
        DecodeJob first = Job();
        int[] reply = Ids(await device.RunAsync(first));
        int[] message = Input(6, seed: 9);
        DecodeJob second = first with { Reset = false, Input = [new TokenRun(5 + 29, (int[])[reply[^1], .. message])] };

        List<DecodeOutput> outputs = await device.RunAsync(second);

        DecodeJob atOnce = first with { Input = [new TokenRun(0, (int[])[.. first.Input[0].Ids.Span, .. reply, .. message])] };
        Assert.Equal(Expected(atOnce, 30), Ids(outputs));
        Assert.Equal(7, End(outputs).InputTokens);
    }

    [Fact]
    public async Task Text_is_output_with_its_tokens_in_whole_characters()
    {
        await using var device = new TestDevice();
        List<DecodeOutput> outputs = await device.RunAsync(
            Job() with
            {
                Sampling = new SamplingParameters
                {
                    Temperature = 2,
                    TopP = 1,
                    MaxTokens = 200,
                },
            }
        );
        var stream = new TextStream(Vocabulary, TextState.Empty, []);
        string expected = string.Concat(Ids(outputs).Select(stream.Append)) + stream.Flush();

        Assert.Equal(expected, Text(outputs));
        Assert.Contains('\uFFFD', expected);
    }
}
