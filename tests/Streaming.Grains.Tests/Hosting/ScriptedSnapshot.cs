using System.Text.Json;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Snapshots;

namespace Streaming.Grains.Tests.Hosting;

/// <summary>The content of a scripted device's slot: ids instead of tensors.</summary>
internal sealed class ScriptedSlot
{
    private readonly Lock _gate = new();
    private readonly List<int> _ids = [];
    private CacheLayout _layout;
    private int _branch;
    private long _position;
    private StreamHash? _hash;

    public int[] Ids
    {
        get
        {
            lock (_gate)
                return [.. _ids];
        }
    }

    public static ScriptedSlot From(ScriptedSnapshot snapshot)
    {
        var slot = new ScriptedSlot();
        slot._ids.AddRange(snapshot.Content.Ids);
        slot._position = snapshot.Position;
        return slot;
    }

    public void Begin(DecodeJob job)
    {
        lock (_gate)
        {
            foreach (TokenRun run in job.Input)
            {
                Assert.True(
                    run.Position == _position || (job.Reset && _position == job.Layout.Fixed),
                    $"The slot is at {_position} and is fed from {run.Position}."
                );
                _ids.AddRange(run.Ids.Span);
                _position = run.Position + run.Ids.Length;
            }
            (_layout, _branch, _hash) = (job.Layout, job.Branch, job.StreamHash);
        }
    }

    public void Feed(int id)
    {
        lock (_gate)
        {
            _ids.Add(id);
            _position++;
            _hash = _hash?.Append([id]);
        }
    }

    public DecodePreempted Preempt(DecodeJob job, int pending, long generated)
    {
        ScriptedSnapshot snapshot = Capture()!;
        DecodeJob rest = job with
        {
            Reset = false,
            Snapshot = snapshot,
            Input = [new TokenRun(snapshot.Position, new[] { pending })],
            StreamHash = snapshot.Hash.Append([pending]),
            AlreadyGenerated = generated,
        };
        var stopped = new DecodeEnded(EndReason.Stopped, "", 1, TimeSpan.Zero, TimeSpan.Zero);
        return new DecodePreempted(rest, IsComplete: true, stopped, TimeSpan.Zero);
    }

    public ScriptedSnapshot? Capture()
    {
        lock (_gate)
            return _hash is { } hash
                ? new ScriptedSnapshot(
                    new(_branch, _position, _layout.Fixed, _layout.Window, hash.Value, [.. _ids.TakeLast(_layout.Places)])
                )
                : null;
    }
}

/// <summary>A snapshot of the scripted device: its ids as JSON.</summary>
internal sealed class ScriptedSnapshot(ScriptedSnapshot.Parts content) : ISlotSnapshot
{
    internal sealed record Parts(int Branch, long Position, int Fixed, int Window, UInt128 Hash, int[] Ids);

    public Parts Content => content;

    public int Branch => content.Branch;

    public long Position => content.Position;

    public CacheLayout Layout => new(content.Fixed, content.Window);

    public StreamHash Hash => new(content.Hash);

    public long Length => Bytes().Length;

    public Task WriteAsync(Stream to, CancellationToken cancellation = default) => to.WriteAsync(Bytes(), cancellation).AsTask();

    public static async Task<ScriptedSnapshot> ReadAsync(Stream from, CancellationToken cancellation)
    {
        try
        {
            return new ScriptedSnapshot((await JsonSerializer.DeserializeAsync<Parts>(from, cancellationToken: cancellation))!);
        }
        catch (JsonException e)
        {
            throw new SnapshotRefusedException("Its JSON is damaged.", isDamaged: true, e);
        }
    }

    public byte[] Bytes() => JsonSerializer.SerializeToUtf8Bytes(content);

    public void Dispose() { }
}
