using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Inference.Snapshots;

namespace Streaming.Inference.Tests.Snapshots;

/// <summary>Invalid snapshots are refused with a reason and change nothing.</summary>
public class SnapshotRefusalTests
{
    private const int Preamble = 16;
    private static readonly CacheLayout s_layout = new(4, 36);

    [Fact]
    public async Task Detects_a_change_of_any_byte()
    {
        await using var device = new SnapshotDevice();
        byte[] good = await SnapshotOfAsync(device);
        var random = new Random(11);
        IEnumerable<int> places = Enumerable
            .Range(0, 500)
            .Concat(Enumerable.Range(0, 200).Select(_ => random.Next(good.Length)))
            .Concat(Enumerable.Range(good.Length - 40, 40));
        foreach (int place in places)
        {
            byte[] bad = [.. good];
            bad[place] ^= (byte)(1 << random.Next(8));
            await Assert.ThrowsAsync<SnapshotRefusedException>(() => device.ReadAsync(bad));
        }
    }

    [Fact]
    public async Task Truncated_or_with_trailing_data_it_is_damaged()
    {
        await using var device = new SnapshotDevice();
        byte[] good = await SnapshotOfAsync(device);
        foreach (
            int length in (int[])
                [0, 1, 7, 8, 15, 16, 20, 100, 400, 600, good.Length / 2, good.Length - 33, good.Length - 32, good.Length - 1]
        )
        {
            SnapshotRefusedException early = await RefusalAsync(device, good[..length]);
            Assert.True(early.IsDamaged);
            Assert.Equal("It ends too early.", early.Message);
        }
        SnapshotRefusedException late = await RefusalAsync(device, [.. good, 0]);
        Assert.True(late.IsDamaged);
        Assert.Equal("Data follows its end.", late.Message);
    }

    [Fact]
    public async Task Refuses_data_that_is_not_a_snapshot()
    {
        await using var device = new SnapshotDevice();
        SnapshotRefusedException refusal = await RefusalAsync(device, Encoding.UTF8.GetBytes("This is a text that somebody put there."));
        Assert.True(refusal.IsDamaged);
        Assert.Equal("It is not a snapshot of a slot.", refusal.Message);
        refusal = await RefusalAsync(device, RandomNumberGenerator.GetBytes(100_000));
        Assert.Equal("It is not a snapshot of a slot.", refusal.Message);
    }

    [Fact]
    public async Task Refuses_another_version_of_the_format_as_not_damaged()
    {
        await using var device = new SnapshotDevice();
        byte[] newer = await SnapshotOfAsync(device);
        BinaryPrimitives.WriteUInt32LittleEndian(newer.AsSpan(8), 2);
        SnapshotRefusedException refusal = await RefusalAsync(device, Signed(newer));
        Assert.False(refusal.IsDamaged);
        Assert.Equal("It has version 2 of the format, and this program reads version 1.", refusal.Message);
    }

    [Fact]
    public async Task Does_not_read_a_header_of_a_gigabyte()
    {
        await using var device = new SnapshotDevice();
        byte[] bad = await SnapshotOfAsync(device);
        BinaryPrimitives.WriteUInt32LittleEndian(bad.AsSpan(12), 1 << 30);
        SnapshotRefusedException refusal = await RefusalAsync(device, bad);
        Assert.Equal("Its header claims to have 1073741824 bytes.", refusal.Message);
    }

    [Theory]
    [InlineData("branch", "-1"), InlineData("position", "3"), InlineData("fed", "0"), InlineData("fixed", "-1"), InlineData("window", "0")]
    [
        InlineData("window", "37"),
        InlineData("window", "2147483647"),
        InlineData("occupied", "39"),
        InlineData("occupied", "-5"),
        InlineData("kind", "null")
    ]
    public async Task Refuses_a_contradictory_header_with_a_valid_checksum(string name, string value)
    {
        await using var device = new SnapshotDevice();
        byte[] bad = WithHeader(await SnapshotOfAsync(device), header => header[name] = JsonNode.Parse(value));
        SnapshotRefusedException refusal = await RefusalAsync(device, bad);
        Assert.True(refusal.IsDamaged);
    }

    [Fact]
    public async Task Refuses_ids_that_do_not_match_the_places_with_a_valid_checksum()
    {
        await using var device = new SnapshotDevice();
        byte[] bad = await SnapshotOfAsync(device);
        int header = (int)BinaryPrimitives.ReadUInt32LittleEndian(bad.AsSpan(12));
        BinaryPrimitives.WriteInt32LittleEndian(bad.AsSpan(Preamble + header), -1);
        SnapshotRefusedException refusal = await RefusalAsync(device, Signed(bad));
        Assert.Equal("Its ids do not match the places that it holds.", refusal.Message);
    }

    [Fact]
    public async Task Refuses_another_checkpoints_snapshot_as_not_damaged()
    {
        await using var other = new SnapshotDevice(checkpoint: "another checkpoint");
        await using var device = new SnapshotDevice();
        SnapshotRefusedException refusal = await RefusalAsync(device, await SnapshotOfAsync(other));
        Assert.False(refusal.IsDamaged);
        Assert.Equal("It is of the checkpoint another chec, and this device has the checkpoi.", refusal.Message);
    }

    [Fact]
    public async Task Refuses_a_snapshot_of_another_arithmetic()
    {
        await using var device = new SnapshotDevice();
        await using var portable = new SnapshotDevice(kernels: KernelSet.Portable);
        await using var deterministic = new SnapshotDevice(deterministic: true);
        await using var bfloat16 = new SnapshotDevice(DType.BFloat16);
        foreach (SnapshotDevice other in (SnapshotDevice[])[portable, deterministic, bfloat16])
        {
            SnapshotRefusedException refusal = await RefusalAsync(device, await SnapshotOfAsync(other));
            Assert.False(refusal.IsDamaged);
            Assert.StartsWith("It is of the arithmetic '", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Refuses_a_snapshot_of_another_shape()
    {
        await using var device = new SnapshotDevice();
        await using var larger = new SnapshotDevice(capacity: 50);
        await using var deeper = new SnapshotDevice(layers: 4);
        Assert.Equal(
            "It is of 3 layers of 2 heads of 16 Float32, 50 places, and this device has 3 layers of 2 heads of 16 Float32, 40 places.",
            (await RefusalAsync(device, await SnapshotOfAsync(larger))).Message
        );
        Assert.StartsWith(
            "It is of 4 layers ",
            (await RefusalAsync(device, await SnapshotOfAsync(deeper))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Refuses_a_job_that_contradicts_its_snapshot_and_leaves_the_slot_unchanged()
    {
        DecodeJob beginning = SnapshotDevice.Beginning(s_layout, 12, 30);
        await using var device = new SnapshotDevice();
        await using var other = new SnapshotDevice(capacity: 50);
        (int[] sampled, _) = await device.RunAsync(beginning);
        using ISlotSnapshot snapshot = await device.ReadAsync(await device.CaptureAsync());
        using ISlotSnapshot foreign = await other.ReadAsync(await SnapshotOfAsync(other));
        DecodeJob goesOn = SnapshotDevice.Continuation(beginning, sampled, 20);
        DecodeJob restored = goesOn with { Snapshot = snapshot };
        foreach (
            DecodeJob wrong in (DecodeJob[])
                [
                    restored with
                    {
                        Reset = true,
                    },
                    restored with
                    {
                        Layout = new(5, 35),
                    },
                    restored with
                    {
                        Input = [new TokenRun(40, new[] { 1 })],
                    },
                    restored with
                    {
                        Snapshot = foreign,
                    },
                ]
        )
        {
            await Assert.ThrowsAsync<InputException>(() => device.RunAsync(wrong));
        }
        await Assert.ThrowsAsync<SnapshotRefusedException>(() => device.ReadAsync(new byte[100]));

        (int[] ids, byte[] logits) = await device.RunAsync(goesOn);
        await using var undisturbed = new SnapshotDevice();
        await undisturbed.RunAsync(beginning);
        (int[] expectedIds, byte[] expected) = await undisturbed.RunAsync(goesOn);
        Assert.Equal(expectedIds, ids);
        Assert.Equal(expected, logits);
    }

    private static async Task<byte[]> SnapshotOfAsync(SnapshotDevice device)
    {
        await device.RunAsync(SnapshotDevice.Beginning(s_layout, 12, 50));
        return await device.CaptureAsync();
    }

    private static Task<SnapshotRefusedException> RefusalAsync(SnapshotDevice device, byte[] snapshot) =>
        Assert.ThrowsAsync<SnapshotRefusedException>(() => device.ReadAsync(snapshot));

    /// <summary>Replaces the checksum by a valid one.</summary>
    private static byte[] Signed(byte[] snapshot)
    {
        SHA256.HashData(snapshot.AsSpan(..^32)).CopyTo(snapshot.AsSpan(^32..));
        return snapshot;
    }

    private static byte[] WithHeader(byte[] snapshot, Action<JsonObject> change)
    {
        int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(snapshot.AsSpan(12));
        var header = (JsonObject)JsonNode.Parse(snapshot.AsSpan(Preamble, length))!;
        change(header);
        byte[] changed = Encoding.UTF8.GetBytes(header.ToJsonString());
        byte[] result = [.. snapshot[..Preamble], .. changed, .. snapshot[(Preamble + length)..]];
        BinaryPrimitives.WriteUInt32LittleEndian(result.AsSpan(12), (uint)changed.Length);
        return Signed(result);
    }
}
