using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tests.Snapshots;

namespace Streaming.Inference.Tests.Batching;

/// <summary>Jobs give their slot up between two steps and go on in any slot, as if nothing had happened.</summary>
public class PreemptionTests
{
    private static readonly CacheLayout s_layout = new(4, 36);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Int8)]
    public async Task A_reply_that_changes_its_slot_at_every_step_is_the_undisturbed_reply(DType type)
    {
        DecodeJob job = SnapshotDevice.Beginning(s_layout, 12, 90);
        job = job with { BeginsText = true, Sampling = job.Sampling with { LogProbabilities = 2, Stop = ["never sampled"] } };
        List<DecodeOutput> expected = await UndisturbedAsync(type, job);
        await using var device = new SnapshotDevice(type, deterministic: true);

        (List<DecodeOutput> outputs, int swaps) = await PreemptedAsync(device, job);

        Assert.Equal(Tokens(expected), Tokens(outputs));
        Assert.Equal(89, swaps);
        Assert.Equal(12, Assert.IsType<DecodeEnded>(outputs[^1]).InputTokens);
    }

    [Fact]
    public async Task A_prompt_that_is_preempted_after_every_chunk_gives_the_undisturbed_reply()
    {
        DecodeJob job = SnapshotDevice.Beginning(s_layout, 700, 5);
        List<DecodeOutput> expected = await UndisturbedAsync(DType.Float32, job);
        await using var device = new SnapshotDevice(deterministic: true);

        var positions = new List<long>();
        (List<DecodeOutput> outputs, _) = await PreemptedAsync(
            device,
            job,
            preempted =>
            {
                ISlotSnapshot snapshot = preempted.Rest.Snapshot!;
                positions.Add(snapshot.Position);
                Assert.True(preempted.IsComplete);
                if (snapshot.Position <= 700)
                    Assert.Equal(StreamHash.Empty.Append(SnapshotDevice.Input(700).AsSpan(0, (int)snapshot.Position)), snapshot.Hash);
            }
        );

        Assert.Equal(Tokens(expected), Tokens(outputs));
        Assert.Equal(expected.OfType<PrefillProgress>(), outputs.OfType<PrefillProgress>());
        Assert.Equal([128, 256, 384, 512, 640, 700, 701, 702, 703], positions);
        Assert.Equal(700, Assert.IsType<DecodeEnded>(outputs[^1]).InputTokens);
    }

    [Fact]
    public async Task A_rebuild_that_is_preempted_gives_the_undisturbed_reply_and_no_snapshot_to_store()
    {
        int[] ids = SnapshotDevice.Input(900);
        CacheLayout layout = new(200, 36); // the fixed part alone takes two chunks
        DecodeJob job = SnapshotDevice.Beginning(layout, 900, 5) with
        {
            Input = [new TokenRun(0, ids.AsMemory(0, 200)), new TokenRun(600, ids.AsMemory(600))],
        };
        List<DecodeOutput> expected;
        await using (var undisturbed = new SnapshotDevice(deterministic: true, capacity: 240))
            expected = await ReadAsync(undisturbed, job);
        await using var device = new SnapshotDevice(deterministic: true, capacity: 240);

        var snapshots = new List<(long Position, bool IsComplete)>();
        (List<DecodeOutput> outputs, _) = await PreemptedAsync(
            device,
            job,
            preempted =>
            {
                ISlotSnapshot snapshot = preempted.Rest.Snapshot!;
                snapshots.Add((snapshot.Position, preempted.IsComplete));
                if (snapshot.Position <= 900)
                    Assert.Equal(StreamHash.Empty.Append(ids.AsSpan(0, (int)snapshot.Position)), snapshot.Hash);
            }
        );

        Assert.Equal(Tokens(expected), Tokens(outputs));
        // Not at 200, where the next token is at 600.
        Assert.Equal([(128, false), (728, false), (856, false), (900, true), (901, true), (902, true), (903, true)], snapshots);
    }

    [Fact]
    public async Task A_prompt_that_is_being_read_can_be_captured()
    {
        DecodeJob job = SnapshotDevice.Beginning(s_layout, 400, 5);
        await using var device = new SnapshotDevice(deterministic: true);
        var asked = new TaskCompletionSource<Task<ISlotSnapshot?>>();
        device.Kernels.StepBegins = _ => asked.TrySetResult(device.Batcher.CaptureAsync(0, Token));
        int[] expected = TestDevice.Ids(await ReadAsync(device, job));
        using ISlotSnapshot? snapshot = await await asked.Task;

        Assert.Equal(128, snapshot!.Position);
        Assert.Equal(StreamHash.Empty.Append(SnapshotDevice.Input(128)), snapshot.Hash);
        DecodeJob rest = job with
        {
            Slot = 1,
            Reset = false,
            Snapshot = snapshot,
            Input = [new TokenRun(128, SnapshotDevice.Input(400).AsMemory(128))],
        };
        Assert.Equal(expected, (await device.RunAsync(rest)).Ids);
    }

    [Fact]
    public async Task A_job_takes_a_step_before_it_is_preempted_and_others_go_on()
    {
        await using var device = new TestDevice(slots: 2);
        using var gate = new StepGate(device);
        DecodeJob other = TestDevice.Job(slot: 1, inputSeed: 2);
        Task<List<DecodeOutput>> goesOn = device.RunAsync(other);
        await gate.BegunAsync();
        Task<List<DecodeOutput>> yields = device.RunAsync(TestDevice.Job());
        device.Batcher.Preempt(0); // It has not begun.
        gate.Open();

        List<DecodeOutput> outputs = await yields;
        using ISlotSnapshot snapshot = Assert.IsType<DecodePreempted>(outputs[^1]).Rest.Snapshot!;
        Assert.Equal(TestDevice.Expected(TestDevice.Job(), 1), TestDevice.Ids(outputs));
        Assert.Equal(5, snapshot.Position);
        Assert.Equal(TestDevice.Expected(other, 30), TestDevice.Ids(await goesOn));
        device.Batcher.Preempt(0); // Without a job: no effect.
    }

    [Fact]
    public async Task A_stop_wins_over_a_preemption()
    {
        await using var device = new TestDevice();
        using var gate = new StepGate(device);
        Task<List<DecodeOutput>> reply = device.RunAsync(TestDevice.Job());
        await gate.BegunAsync();
        device.Batcher.Preempt(0);
        device.Batcher.Stop(0, EndReason.Stopped);
        gate.Open();
        Assert.Equal(EndReason.Stopped, TestDevice.End(await reply).Reason);
    }

    private static async Task<List<DecodeOutput>> UndisturbedAsync(DType type, DecodeJob job)
    {
        await using var device = new SnapshotDevice(type, deterministic: true);
        return await ReadAsync(device, job);
    }

    private static async Task<List<DecodeOutput>> ReadAsync(SnapshotDevice device, DecodeJob job)
    {
        var outputs = new List<DecodeOutput>();
        await foreach (DecodeOutput output in device.Batcher.DecodeAsync(job, Token))
            outputs.Add(output);
        return outputs;
    }

    /// <summary>Runs a job that is preempted after each of its steps and goes on in the other slot; the first is used meanwhile.</summary>
    private static async Task<(List<DecodeOutput> Outputs, int Swaps)> PreemptedAsync(
        SnapshotDevice device,
        DecodeJob job,
        Action<DecodePreempted>? seen = null
    )
    {
        device.Kernels.StepBegins = _ =>
        {
            device.Batcher.Preempt(0);
            device.Batcher.Preempt(1);
        };
        var all = new List<DecodeOutput>();
        for (int swaps = 0; ; swaps++)
        {
            List<DecodeOutput> outputs = await ReadAsync(device, job);
            (job.Snapshot as IDisposable)?.Dispose();
            if (outputs[^1] is not DecodePreempted preempted)
                return ([.. all, .. outputs], swaps);
            all.AddRange(outputs[..^1]);
            seen?.Invoke(preempted);
            job = preempted.Rest with { Slot = 1 - job.Slot };
        }
    }

    private static IEnumerable<(int Id, string Text, double? LogProbability)> Tokens(IEnumerable<DecodeOutput> outputs) =>
        outputs.OfType<TokenSampled>().Select(t => (t.Id, t.Text, t.LogProbabilities?.Sampled.LogProbability));
}
