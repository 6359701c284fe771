using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Snapshots;

namespace Streaming.Inference.Tests.Snapshots;

/// <summary>Slots are captured between two steps, while jobs run.</summary>
public class SnapshotCaptureTests
{
    private static readonly CacheLayout s_layout = new(4, 36);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Captures_nothing_from_an_empty_slot_or_an_unknown_stream()
    {
        await using var device = new SnapshotDevice();
        Assert.Null(await device.Batcher.CaptureAsync(0, Token));
        await device.RunAsync(SnapshotDevice.Beginning(s_layout, 12, 3) with { StreamHash = null });
        Assert.Null(await device.Batcher.CaptureAsync(0, Token));
    }

    [Fact]
    public async Task Captures_a_running_reply_without_changing_it()
    {
        DecodeJob job = SnapshotDevice.Beginning(s_layout, 12, 300);
        await using var device = new SnapshotDevice();
        var ids = new List<int>();
        var snapshots = new List<ISlotSnapshot>();
        await foreach (DecodeOutput output in device.Batcher.DecodeAsync(job, Token))
        {
            if (output is not TokenSampled token)
                continue;
            ids.Add(token.Id);
            // At most 50 outputs are unread, so even the last snapshot is of an unfinished reply.
            if (ids.Count is 5 or 70 or 200)
                snapshots.Add((await device.Batcher.CaptureAsync(0, Token))!);
        }
        await using var undisturbed = new SnapshotDevice();
        (int[] expected, _) = await undisturbed.RunAsync(job);
        Assert.Equal(expected, ids);

        Assert.Equal(3, snapshots.Count);
        foreach (ISlotSnapshot snapshot in snapshots)
        {
            using (snapshot)
            {
                int sampledAndFed = (int)snapshot.Position - 12;
                Assert.Equal(StreamHash.Empty.Append(SnapshotDevice.Input(12)).Append(expected.AsSpan(0, sampledAndFed)), snapshot.Hash);
                int[] before = expected[..(sampledAndFed + 1)];
                (int[] after, _) = await device.RunAsync(SnapshotDevice.Continuation(job, before, 300 - before.Length, snapshot, slot: 1));
                Assert.Equal(expected[before.Length..], after);
            }
        }
    }

    [Fact]
    public async Task A_capture_requested_before_a_job_has_the_earlier_content()
    {
        DecodeJob first = SnapshotDevice.Beginning(s_layout, 12, 20);
        await using var device = new SnapshotDevice();
        (int[] sampled, _) = await device.RunAsync(first);
        byte[] expected = await device.CaptureAsync();

        (_, byte[] logits) = await device.RunAsync(SnapshotDevice.Continuation(first, sampled, 1));
        await device.RunAsync(first);
        Task<ISlotSnapshot?> asked = device.Batcher.CaptureAsync(0, Token);
        await device.RunAsync(SnapshotDevice.Beginning(s_layout, 70, 3));
        using ISlotSnapshot? snapshot = await asked;
        Assert.Equal(expected, await SnapshotDevice.BytesOfAsync(snapshot!));
        (_, byte[] again) = await device.RunAsync(SnapshotDevice.Continuation(first, sampled, 1, snapshot));
        Assert.Equal(logits, again);
    }

    [Fact]
    public async Task Captures_nothing_after_a_cancelled_job_until_the_slot_is_filled_again()
    {
        DecodeJob job = SnapshotDevice.Beginning(s_layout, 12, 20);
        await using var device = new SnapshotDevice();
        (int[] sampled, _) = await device.RunAsync(job);
        byte[] bytes = await device.CaptureAsync();
        await foreach (DecodeOutput _ in device.Batcher.DecodeAsync(SnapshotDevice.Continuation(job, sampled, 1000), Token))
            break;
        Assert.Null(await device.Batcher.CaptureAsync(0, Token));

        using ISlotSnapshot snapshot = await device.ReadAsync(bytes);
        (int[] after, _) = await device.RunAsync(SnapshotDevice.Continuation(job, sampled, 5, snapshot));
        await using var undisturbed = new SnapshotDevice();
        await undisturbed.RunAsync(job);
        Assert.Equal((await undisturbed.RunAsync(SnapshotDevice.Continuation(job, sampled, 5))).Ids, after);
        Assert.Equal(12 + 20 - 1 + 5, (await TakenAsync(device)).Position);
    }

    [Fact]
    public async Task Disposing_the_device_fails_a_pending_capture()
    {
        var device = new SnapshotDevice();
        await device.RunAsync(SnapshotDevice.Beginning(s_layout, 12, 3));
        await device.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => device.Batcher.CaptureAsync(0, Token));
    }

    private static async Task<(long Position, int Branch)> TakenAsync(SnapshotDevice device)
    {
        using ISlotSnapshot? snapshot = await device.Batcher.CaptureAsync(0, Token);
        return (snapshot!.Position, snapshot.Branch);
    }
}
