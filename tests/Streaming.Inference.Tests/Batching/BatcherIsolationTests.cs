using System.Collections;
using Streaming.Inference.Batching;
using Streaming.Inference.Tokenizing;
using static Streaming.Inference.Tests.Batching.TestDevice;

namespace Streaming.Inference.Tests.Batching;

/// <summary>An error in what is computed for one conversation, of whatever kind, ends that conversation's job and nothing else.</summary>
public class BatcherIsolationTests
{
    private static readonly DecodeJob s_sound = Job(slot: 0);
    private static readonly DecodeJob s_sick = Job(slot: 1, inputSeed: 2);

    public static TheoryData<Exception> Kinds =>
        [
            new InvalidOperationException("secret"),
            new IndexOutOfRangeException("secret"),
            new NullReferenceException("secret"),
            new OutOfMemoryException("secret"),
            new OperationCanceledException("secret"),
            new ObjectDisposedException("secret"),
        ];

    [Theory]
    [MemberData(nameof(Kinds), DisableDiscoveryEnumeration = true)]
    public async Task An_error_in_the_text_of_a_token_ends_only_its_own_job(Exception error)
    {
        int only = Expected(s_sick, 30).Except(Expected(s_sound, 30)).First();
        await using var device = new TestDevice(vocabulary: new FailingVocabulary(only, error));

        await AssertEndsAloneAsync(device, s_sick, error);
    }

    [Theory]
    [MemberData(nameof(Kinds), DisableDiscoveryEnumeration = true)]
    public async Task An_error_in_the_sampling_ends_only_its_own_job(Exception error)
    {
        await using var device = new TestDevice();

        await AssertEndsAloneAsync(device, s_sick with { Sampling = s_sick.Sampling with { LogitBias = new FailingBias(error) } }, error);
    }

    [Fact]
    public async Task An_error_at_the_admission_of_a_job_ends_only_that_job()
    {
        var error = new InvalidOperationException("secret");
        await using var device = new TestDevice();

        await AssertEndsAloneAsync(device, s_sick with { Reset = false, Input = new FailingInput(s_sick.Input, error) }, error);
    }

    [Fact]
    public async Task An_error_while_a_job_is_stopped_ends_only_that_job()
    {
        var time = new FailingTime();
        await using var device = new TestDevice(time: time);
        using var gate = new StepGate(device);
        Task<List<DecodeOutput>> sound = device.RunAsync(s_sound);
        await gate.BegunAsync();
        await gate.NextAsync();
        Task<List<DecodeOutput>> stopped = device.RunAsync(s_sick);
        await gate.NextAsync();
        await gate.NextAsync(); // both are past their first token, whose time is taken

        device.Batcher.Stop(1, EndReason.Stopped);
        time.FailAt(call: 2); // the next step's begin, then the end of the stopped job
        gate.Open();

        AssertTold(time.Error, await Assert.ThrowsAsync<InputException>(() => stopped));
        Assert.Equal(Expected(s_sound, 30), Ids(await sound));
    }

    private static async Task AssertEndsAloneAsync(TestDevice device, DecodeJob sick, Exception error)
    {
        AssertTold(error, await Assert.ThrowsAsync<InputException>(() => RunBesideAsync(device, sick)));
        InputException refusal = await Assert.ThrowsAsync<InputException>(() => device.RunAsync(s_sick with { Reset = false }));
        Assert.StartsWith("The position of slot 1 is unknown", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(Expected(s_sound, 30), Ids(await device.RunAsync(s_sound with { Slot = 1 })));
    }

    /// <summary>Runs a job in the same steps as a sound one, which gives what it gives alone.</summary>
    private static async Task RunBesideAsync(TestDevice device, DecodeJob sick)
    {
        using var gate = new StepGate(device);
        Task<List<DecodeOutput>> sound = device.RunAsync(s_sound);
        await gate.BegunAsync();
        await gate.NextAsync(); // the first step is over
        Task<List<DecodeOutput>> ends = device.RunAsync(sick);
        gate.Open();
        Assert.Equal(Expected(s_sound, 30), Ids(await sound));
        await ends;
    }

    private static void AssertTold(Exception error, InputException told)
    {
        Assert.Equal(
            $"An error of this host ({error.GetType().Name}) ended the reply: send the message again, "
                + "and report what the host's log says.",
            told.Message
        );
        Assert.Same(error, told.InnerException);
    }

    private static bool IsDeviceThread => Thread.CurrentThread.Name == "decode";

    private sealed class FailingVocabulary(int failing, Exception error) : IVocabulary
    {
        public ReadOnlyMemory<byte> BytesOf(int id) => id == failing ? throw error : Vocabulary.BytesOf(id);
    }

    private sealed class FailingTime : TimeProvider
    {
        private int _calls = -1;

        public Exception Error { get; } = new InvalidOperationException("secret");

        public void FailAt(int call) => Volatile.Write(ref _calls, call);

        public override long GetTimestamp() => IsDeviceThread && _calls >= 0 && --_calls == 0 ? throw Error : base.GetTimestamp();
    }

    private sealed class FailingBias(Exception error) : IReadOnlyDictionary<int, double>
    {
        public int Count => 0;

        public IEnumerable<int> Keys => [];

        public IEnumerable<double> Values => [];

        public double this[int key] => throw new KeyNotFoundException();

        public bool ContainsKey(int key) => false;

        public bool TryGetValue(int key, out double value)
        {
            value = 0;
            return false;
        }

        public IEnumerator<KeyValuePair<int, double>> GetEnumerator() =>
            IsDeviceThread ? throw error : Enumerable.Empty<KeyValuePair<int, double>>().GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class FailingInput(IReadOnlyList<TokenRun> input, Exception error) : IReadOnlyList<TokenRun>
    {
        public int Count => input.Count;

        public TokenRun this[int index] => IsDeviceThread ? throw error : input[index];

        public IEnumerator<TokenRun> GetEnumerator() => IsDeviceThread ? throw error : input.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
