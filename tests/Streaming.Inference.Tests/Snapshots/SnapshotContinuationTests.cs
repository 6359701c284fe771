using System.Diagnostics;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Inference.Snapshots;

namespace Streaming.Inference.Tests.Snapshots;

/// <summary>Decoding continues from a snapshot bit for bit, in another slot and in another process.</summary>
public class SnapshotContinuationTests
{
    private const string ChildFolder = "STREAMING_SNAPSHOT_TEST_FOLDER";
    private const int Continued = 60; // tokens: more than the window
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>A stream up to its snapshot. A layout of 4+36 is full after 40 tokens; one of 17+23 has a pinned prompt.</summary>
    private sealed record Case(DType Type, bool Deterministic, CacheLayout Layout, int Input, int Sampled)
    {
        public string Name => $"{Type}-{(Deterministic ? "deterministic" : "plain")}-{Layout.Fixed}-{Layout.Window}-{Input}-{Sampled}";

        public DecodeJob Beginning => SnapshotDevice.Beginning(Layout, Input, Sampled);

        public SnapshotDevice Load() => new(Type, Deterministic);
    }

    private static readonly Case[] s_cases =
    [
        .. from arithmetic in ((DType, bool)[])
            [(DType.Float32, false), (DType.BFloat16, false), (DType.Int8, false), (DType.Float32, true), (DType.Int8, true)]
        from stream in ((CacheLayout, int, int)[])
            [
                (new(4, 36), 1, 1), // only the first token
                (new(4, 36), 12, 9), // before the first eviction
                (new(4, 36), 12, 90), // long after the first eviction
                (new(4, 36), 70, 5), // an input longer than the cache
                (new(17, 23), 20, 9), // a pinned prompt, before the first eviction
                (new(17, 23), 20, 50), // and after it
                (new(0, 30), 10, 45),
            ] // no fixed part, not all places used
        select new Case(arithmetic.Item1, arithmetic.Item2, stream.Item1, stream.Item2, stream.Item3),
    ];

    [Fact]
    public async Task Another_process_continues_with_the_same_logits()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("streaming-snapshots-");
        try
        {
            var expected = new Dictionary<string, byte[]>();
            foreach (Case @case in s_cases)
            {
                await using SnapshotDevice device = @case.Load();
                DecodeJob beginning = @case.Beginning;
                (int[] sampled, _) = await device.RunAsync(beginning);
                await File.WriteAllBytesAsync(
                    Path.Combine(folder.FullName, @case.Name + ".snapshot"),
                    await device.CaptureAsync(),
                    TestContext.Current.CancellationToken
                );
                await File.WriteAllTextAsync(
                    Path.Combine(folder.FullName, @case.Name + ".ids"),
                    string.Join(' ', sampled),
                    TestContext.Current.CancellationToken
                );
                (_, expected[@case.Name]) = await device.RunAsync(SnapshotDevice.Continuation(beginning, sampled, Continued));
            }

            await RunChildAsync(folder.FullName);

            foreach ((string name, byte[] logits) in expected)
            {
                Assert.Equal(Continued * 257 * sizeof(float), logits.Length);
                byte[] child = await File.ReadAllBytesAsync(
                    Path.Combine(folder.FullName, name + ".logits"),
                    TestContext.Current.CancellationToken
                );
                Assert.True(
                    logits.AsSpan().SequenceEqual(child),
                    $"{name}: the other process computed other bits from byte {logits.AsSpan().CommonPrefixLength(child)} on."
                );
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The other process: runs only when <see cref="Another_process_continues_with_the_same_logits"/> starts it.</summary>
    [Fact(Explicit = true)]
    public async Task Child_of_another_test()
    {
        string folder =
            Environment.GetEnvironmentVariable(ChildFolder)
            ?? throw new InvalidOperationException($"{ChildFolder} is not set: this is a part of another test.");
        foreach (Case @case in s_cases)
        {
            await using SnapshotDevice device = @case.Load();
            int[] sampled =
            [
                .. (await File.ReadAllTextAsync(Path.Combine(folder, @case.Name + ".ids"), TestContext.Current.CancellationToken))
                    .Split(' ')
                    .Select(int.Parse),
            ];
            await using FileStream file = File.OpenRead(Path.Combine(folder, @case.Name + ".snapshot"));
            using ISlotSnapshot snapshot = await device.Batcher.ReadSnapshotAsync(file, TestContext.Current.CancellationToken);
            Assert.Equal(2, snapshot.Branch);
            Assert.Equal(@case.Input + @case.Sampled - 1, snapshot.Position);
            Assert.Equal(@case.Layout, snapshot.Layout);
            Assert.Equal(StreamHash.Empty.Append(SnapshotDevice.Input(@case.Input)).Append(sampled.AsSpan(..^1)), snapshot.Hash);
            (_, byte[] logits) = await device.RunAsync(SnapshotDevice.Continuation(@case.Beginning, sampled, Continued, snapshot, slot: 1));
            await File.WriteAllBytesAsync(Path.Combine(folder, @case.Name + ".logits"), logits, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_slot_rebuilt_with_a_gap_continues_from_its_snapshot()
    {
        var layout = new CacheLayout(4, 36);
        int[] ids = SnapshotDevice.Input(300);
        DecodeJob rebuilt = SnapshotDevice.Beginning(layout, 1, 1) with
        {
            // The ring is not full and begins in its middle.
            Input = [new TokenRun(0, ids.AsMemory(0, 4)), new TokenRun(290, ids.AsMemory(290))],
            StreamHash = StreamHash.Empty.Append(ids),
        };
        await using var device = new SnapshotDevice();
        (int[] sampled, _) = await device.RunAsync(rebuilt);
        byte[] bytes = await device.CaptureAsync();
        DecodeJob goesOn = rebuilt with
        {
            Reset = false,
            Input = [new TokenRun(300, sampled)],
            Sampling = rebuilt.Sampling with { MaxTokens = Continued },
        };
        (_, byte[] expected) = await device.RunAsync(goesOn);

        using ISlotSnapshot snapshot = await device.ReadAsync(bytes);
        Assert.Equal(300, snapshot.Position);
        // The restoring slot held another conversation's tensors in every place.
        await device.RunAsync(SnapshotDevice.Beginning(layout, 100, 3, slot: 1));
        (_, byte[] actual) = await device.RunAsync(goesOn with { Slot = 1, Snapshot = snapshot });
        Assert.Equal(expected, actual);
    }

    [Fact]
    public async Task Writing_reading_and_writing_again_gives_the_same_bytes()
    {
        await using var device = new SnapshotDevice(DType.BFloat16);
        await device.RunAsync(SnapshotDevice.Beginning(new(4, 36), 12, 50));
        byte[] first = await device.CaptureAsync();
        using ISlotSnapshot read = await device.ReadAsync(first);
        Assert.Equal(first, await SnapshotDevice.BytesOfAsync(read));
    }

    [Fact]
    public async Task Writes_only_places_in_use()
    {
        await using var device = new SnapshotDevice();
        await device.RunAsync(SnapshotDevice.Beginning(new(4, 36), 5, 2));
        int few = (await device.CaptureAsync()).Length;
        await device.RunAsync(SnapshotDevice.Beginning(new(4, 36), 100, 2));
        int all = (await device.CaptureAsync()).Length;
        // 3 layers, keys and values, 2 heads of 16 float32 numbers, 6 places or 40.
        Assert.InRange(all - few - (3 * 2 * 2 * 16 * 4 * (40 - 6)), -8, 8); // numbers in the header vary in length
    }

    private static async Task RunChildAsync(string folder)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (
            string argument in (string[])
                [
                    typeof(SnapshotContinuationTests).Assembly.Location,
                    "-explicit",
                    "only",
                    "-method",
                    $"*{nameof(Child_of_another_test)}",
                    "-noColor",
                ]
        )
            start.ArgumentList.Add(argument);
        start.Environment[ChildFolder] = folder;
        using Process child = Process.Start(start)!;
        try
        {
            Task<string> output = child.StandardOutput.ReadToEndAsync(),
                errors = child.StandardError.ReadToEndAsync();
            await child.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline);
            Assert.True(child.ExitCode == 0, $"{await output}\n{await errors}");
        }
        finally
        {
            if (!child.HasExited)
                child.Kill(entireProcessTree: true);
        }
    }
}
