using System.Runtime.InteropServices;
using Microsoft.Extensions.Time.Testing;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Sampling;
using TorchSharp;
using static Streaming.Inference.Tests.Batching.TestDevice;

namespace Streaming.Inference.Tests.Batching;

/// <summary>Slow readers, failing devices, impossible jobs, disposal of the device.</summary>
public class BatcherFailureTests
{
    [Fact]
    public async Task A_job_with_a_slow_reader_pauses_and_other_jobs_go_on()
    {
        await using var device = new TestDevice(options: new BatcherOptions { OutputsAhead = 6 });
        int fed = 0;
        device.Kernels.StepBegins = rows => Interlocked.Add(ref fed, rows);
        DecodeJob slow =
                Job(slot: 0) with
                {
                    Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 40 },
                },
            fast = Job(slot: 1, inputSeed: 2);
        await using IAsyncEnumerator<DecodeOutput> reader = device
            .Batcher.DecodeAsync(slow, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(CancellationToken.None);
        Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken));

        Assert.Equal(Expected(fast, 30), Ids(await device.RunAsync(fast)));

        // One output is read, six are in the channel, and the seventh token is pending. The other job fed 5 and 29 tokens.
        Assert.Equal(5 + 6 + 5 + 29, Volatile.Read(ref fed));
        var outputs = new List<DecodeOutput> { reader.Current };
        while (await reader.MoveNextAsync().AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken))
            outputs.Add(reader.Current);
        Assert.Equal(Expected(slow, 40), Ids(outputs));
        Assert.Equal(EndReason.Length, End(outputs).Reason);
    }

    [Fact]
    public async Task A_paused_job_can_be_stopped()
    {
        await using var device = new TestDevice(options: new BatcherOptions { OutputsAhead = 6 });
        DecodeJob slow = Job(slot: 0) with
        {
            Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 0 },
        };
        await using IAsyncEnumerator<DecodeOutput> reader = device
            .Batcher.DecodeAsync(slow, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(CancellationToken.None);
        Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken));
        await device.RunAsync(Job(slot: 1)); // the first job is paused by now

        device.Batcher.Stop(0, EndReason.Stopped);

        var outputs = new List<DecodeOutput> { reader.Current };
        while (await reader.MoveNextAsync().AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken))
            outputs.Add(reader.Current);
        Assert.Equal(EndReason.Stopped, End(outputs).Reason);
        Assert.Equal(7, Ids(outputs).Length);
    }

    [Fact]
    public async Task A_failed_step_fails_only_its_own_jobs()
    {
        await using var device = new TestDevice(options: new BatcherOptions { OutputsAhead = 6 });
        DecodeJob paused = Job(slot: 2) with
        {
            Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 40 },
        };
        await using IAsyncEnumerator<DecodeOutput> reader = device
            .Batcher.DecodeAsync(paused, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(CancellationToken.None);
        Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken));
        await device.RunAsync(Job(slot: 1)); // the first job is paused by now
        device.Kernels.StepBegins = rows =>
        {
            if (rows == 2)
                throw new ExternalException("out of memory");
        };
        DecodeJob[] jobs = [Job(slot: 0), Job(slot: 1, inputSeed: 2)];

        Task<List<DecodeOutput>>[] failing =
        [
            .. jobs.Select(job => device.RunAsync(job with { Sampling = job.Sampling with { MaxTokens = 0 } })),
        ];

        foreach ((Task<List<DecodeOutput>> run, int slot) in failing.Zip([0, 1]))
        {
            DeviceFailedException failure = await Assert.ThrowsAsync<DeviceFailedException>(() => run);
            Assert.Contains($"slot {slot}", failure.Message, StringComparison.Ordinal);
            Assert.Equal("out of memory", Assert.IsType<ExternalException>(failure.InnerException).Message);
        }
        device.Kernels.StepBegins = static _ => { };
        InputException refusal = await Assert.ThrowsAsync<InputException>(() => device.RunAsync(jobs[0] with { Reset = false }));
        Assert.StartsWith("The position of slot 0 is unknown", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(Expected(jobs[0], 30), Ids(await device.RunAsync(jobs[0])));

        var outputs = new List<DecodeOutput> { reader.Current };
        while (await reader.MoveNextAsync().AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken))
            outputs.Add(reader.Current);
        Assert.Equal(Expected(paused, 40), Ids(outputs));
    }

    [Fact]
    public async Task Logits_that_are_not_finite_fail_only_their_own_job()
    {
        await using var device = new TestDevice();
        using var gate = new StepGate(device);
        using Scalar notANumber = float.NaN;
        device.Kernels.LogitsAreReady = logits =>
        {
            if (logits.shape[0] == 2)
                logits[1].fill_(notANumber);
        };
        DecodeJob sound = Job(slot: 0),
            sick = Job(slot: 1, inputSeed: 2);
        Task<List<DecodeOutput>> a = device.RunAsync(sound);
        await gate.BegunAsync();
        await gate.NextAsync(); // the first step has begun
        Task<List<DecodeOutput>> b = device.RunAsync(sick);
        gate.Open();

        DeviceFailedException failure = await Assert.ThrowsAsync<DeviceFailedException>(() => b);

        Assert.IsType<ArithmeticException>(failure.InnerException);
        Assert.Equal(Expected(sound, 30), Ids(await a));
    }

    public static TheoryData<string, DecodeJob> Impossible =>
        new()
        {
            { "There is no slot 4", Job(slot: 4) },
            { "There is no slot -1", Job(slot: -1) },
            { "A cache of 4+21 does not fit the slot's 24 places", Job() with { Layout = new CacheLayout(4, 21) } },
            { "A cache of 2147483647+1 does not fit", Job() with { Layout = new CacheLayout(int.MaxValue, 1) } },
            { "A cache of -1+5 is impossible", Job() with { Layout = new CacheLayout(-1, 5) } },
            { "A cache of 4+0 is impossible", Job() with { Layout = new CacheLayout(4, 0) } },
            { "The input is empty", Job() with { Input = [] } },
            { "The input is empty", Job() with { Input = [new TokenRun(0, ReadOnlyMemory<int>.Empty)] } },
            { "Token 257 is not in the checkpoint's vocabulary of 257", Job() with { Input = [new TokenRun(0, new[] { 1, 257 })] } },
            { "Token -1 is not in", Job() with { Input = [new TokenRun(0, new[] { -1 })] } },
            { "-3 is no position", Job() with { Input = [new TokenRun(-3, new[] { 1 })] } },
            { "An empty slot begins with its fixed part", Job() with { Input = [new TokenRun(7, new[] { 1 })] } },
            {
                "The input's positions jump from 2 to 9",
                Job() with
                {
                    Input = [new TokenRun(0, new[] { 1, 2 }), new TokenRun(9, new[] { 1 })],
                }
            },
            {
                "The input's positions jump from 4 to 3",
                Job() with
                {
                    Input = [new TokenRun(0, new[] { 1, 2, 3, 4 }), new TokenRun(3, new[] { 1 })],
                }
            },
            {
                "The input's positions jump from 9 to 11",
                Job() with
                {
                    Input = [new TokenRun(0, new[] { 1, 2, 3, 4 }), new TokenRun(8, new[] { 1 }), new TokenRun(11, new[] { 1 })],
                }
            },
            { "Temperature is -1", Job() with { Sampling = new SamplingParameters { Temperature = -1 } } },
            {
                "LogitBias of token 3 is 101",
                Job() with
                {
                    Sampling = new SamplingParameters { LogitBias = new Dictionary<int, double> { [3] = 101 } },
                }
            },
            {
                "LogitBias names the token -1",
                Job() with
                {
                    Sampling = new SamplingParameters { LogitBias = new Dictionary<int, double> { [-1] = 1 } },
                }
            },
            {
                "LogitBias names the token 257, which is not",
                Job() with
                {
                    Sampling = new SamplingParameters { LogitBias = new Dictionary<int, double> { [257] = 1 } },
                }
            },
            { "LogProbabilities is 21", Job() with { Sampling = new SamplingParameters { LogProbabilities = 21 } } },
            { "A stop string is empty", Job() with { Sampling = new SamplingParameters { Stop = [""] } } },
            {
                "SuppressTokens names the token 257, which is not",
                Job() with
                {
                    Sampling = new SamplingParameters { SuppressTokens = [3, 257] },
                }
            },
            {
                "BadWordsIds names the token 257, which is not",
                Job() with
                {
                    Sampling = new SamplingParameters
                    {
                        BadWordsIds =
                        [
                            [1, 257],
                        ],
                    },
                }
            },
            {
                "The stop string 'a<c>' joins a control token and something else",
                Job() with
                {
                    Sampling = new SamplingParameters { Stop = ["a<c>"] },
                }
            },
            { "A reply cannot have -1 tokens", Job() with { AlreadyGenerated = -1 } },
            { "Slot 0 is at position 0, and the input begins at 3", Job() with { Reset = false, Input = [new TokenRun(3, new[] { 1 })] } },
        };

    [Theory]
    [MemberData(nameof(Impossible), DisableDiscoveryEnumeration = true)]
    public async Task Refuses_an_impossible_job_in_one_sentence_and_leaves_the_slot_unchanged(string sentence, DecodeJob job)
    {
        await using var device = new TestDevice();

        InputException refusal = await Assert.ThrowsAsync<InputException>(() => device.RunAsync(job));

        Assert.StartsWith(sentence, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(30, Ids(await device.RunAsync(Job())).Length);
    }

    [Fact]
    public async Task Refuses_a_job_that_contradicts_its_slot_and_leaves_the_slot_usable()
    {
        await using var device = new TestDevice();
        int[] reply = Ids(await device.RunAsync(Job()));
        DecodeJob next = Job() with { Reset = false, Input = [new TokenRun(34, new[] { reply[^1] })] };

        InputException position = await Assert.ThrowsAsync<InputException>(() =>
            device.RunAsync(next with { Input = [new TokenRun(35, new[] { 1 })] })
        );
        InputException layout = await Assert.ThrowsAsync<InputException>(() =>
            device.RunAsync(next with { Layout = new CacheLayout(3, 20) })
        );

        Assert.StartsWith("Slot 0 is at position 34, and the input begins at 35", position.Message, StringComparison.Ordinal);
        Assert.StartsWith("Slot 0 is used as 4+20, not as 3+20", layout.Message, StringComparison.Ordinal);
        Assert.Equal(30, Ids(await device.RunAsync(next)).Length);
    }

    [Fact]
    public async Task A_busy_slot_refuses_a_second_job_until_the_end_of_the_first_is_read()
    {
        await using var device = new TestDevice();
        using (var gate = new StepGate(device))
        {
            Task<List<DecodeOutput>> running = device.RunAsync(Job());
            await gate.BegunAsync();
            InputException refusal = await Assert.ThrowsAsync<InputException>(() => device.RunAsync(Job()));
            Assert.StartsWith("Slot 0 is busy", refusal.Message, StringComparison.Ordinal);
            gate.Open();
            await running;
        }

        DecodeJob shortest = Job() with
        {
            Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 1 },
        };
        for (int i = 0; i < 300; i++)
        {
            await foreach (DecodeOutput output in device.Batcher.DecodeAsync(shortest, TestContext.Current.CancellationToken))
            {
                if (output is DecodeEnded)
                    await device.RunAsync(shortest);
            }
        }
    }

    [Fact]
    public async Task A_device_is_hung_while_a_step_exceeds_its_limit()
    {
        var time = new FakeTimeProvider();
        await using var device = new TestDevice(options: new BatcherOptions { HungAfter = TimeSpan.FromMinutes(1) }, time: time);
        Assert.False(device.Batcher.IsHung);
        using var gate = new StepGate(device);
        Task<List<DecodeOutput>> running = device.RunAsync(Job());
        await gate.BegunAsync();
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(device.Batcher.IsHung);
        time.Advance(TimeSpan.FromTicks(1));
        Assert.True(device.Batcher.IsHung);

        await gate.NextAsync();
        Assert.False(device.Batcher.IsHung);
        gate.Open();
        await running;
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(device.Batcher.IsHung);
    }

    [Fact]
    public async Task Reports_prefill_time_until_the_first_token_and_decode_time_until_the_end()
    {
        var time = new FakeTimeProvider();
        await using var device = new TestDevice(options: new BatcherOptions { PrefillTokens = 10 }, time: time);
        device.Kernels.StepBegins = _ => time.Advance(TimeSpan.FromMilliseconds(10));

        List<DecodeOutput> outputs = await device.RunAsync(Job(inputTokens: 25));

        Assert.Equal(TimeSpan.FromMilliseconds(30), End(outputs).InputTime);
        Assert.Equal(TimeSpan.FromMilliseconds(290), End(outputs).DecodeTime);
    }

    [Fact]
    public async Task Disposing_ends_running_jobs_with_an_exception_and_refuses_new_ones()
    {
        var device = new TestDevice();
        Task<List<DecodeOutput>> running;
        using (var gate = new StepGate(device))
        {
            running = device.RunAsync(
                Job() with
                {
                    Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 0 },
                }
            );
            await gate.BegunAsync();
            await gate.NextAsync();
        }

        await device.DisposeAsync();
        await device.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => device.RunAsync(Job()));
    }

    [Theory]
    [InlineData(0, 1, 0, 1), InlineData(1, 0, 0, 1), InlineData(1, 1, -1, 1), InlineData(1, 1, 0, 0)]
    public void Refuses_impossible_options(int prefill, int ahead, int threads, int seconds)
    {
        var options = new BatcherOptions
        {
            PrefillTokens = prefill,
            OutputsAhead = ahead,
            Threads = threads,
            StepTimeout = TimeSpan.FromSeconds(seconds),
        };

        Assert.Throws<InputException>(() => new TestDevice(options: options));
    }

    [Fact]
    public void Refuses_an_end_token_outside_the_vocabulary()
    {
        Assert.StartsWith(
            "The end token 257",
            Assert.Throws<InputException>(() => new TestDevice(endTokens: 257)).Message,
            StringComparison.Ordinal
        );
    }
}
