using System.Threading.Channels;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Batching;

/// <summary>
/// A job while it runs. The device thread owns it; its reader touches only what is marked as shared.
/// </summary>
internal sealed class Sequence
{
    private const int NotStopped = -1;

    // What a step may add at most: progress, a token, the end.
    private const int OutputsPerStep = 3;

    private readonly Channel<DecodeOutput> _outputs;
    private readonly int _outputsAhead;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int[] _pending = new int[1];
    private bool _hasPending;
    private int _run;
    private int _offset;
    private volatile bool _cancelled;
    private volatile bool _paused;
    private volatile int _stop = NotStopped;

    /// <summary>Prepares a job that was checked.</summary>
    public Sequence(DecodeJob job, IVocabulary vocabulary, int outputsAhead)
    {
        Job = job;
        Text = new TextStream(vocabulary, job.Text, job.Sampling.Stop);
        InputTotal = job.Input.Sum(run => (long)run.Ids.Length);
        Generated = job.AlreadyGenerated;
        _outputsAhead = outputsAhead;
        _outputs = Channel.CreateBounded<DecodeOutput>(
            new BoundedChannelOptions(outputsAhead + OutputsPerStep) { SingleReader = true, SingleWriter = true }
        );
    }

    /// <summary>What was asked.</summary>
    public DecodeJob Job { get; }

    /// <summary>The reply's text.</summary>
    public TextStream Text { get; }

    /// <summary>Tokens to feed before sampling.</summary>
    public long InputTotal { get; }

    /// <summary>Tokens of them fed so far.</summary>
    public long InputDone { get; private set; }

    /// <summary>Hash of all ids of the stream that are in the tensors; null within the input, or when it is not known.</summary>
    public StreamHash? StreamHash { get; private set; }

    /// <summary>Tokens of the reply, those from before an interruption included.</summary>
    public long Generated { get; private set; }

    /// <summary>When the device took the job up, a timestamp of the time provider.</summary>
    public long StartedAt { get; set; }

    /// <summary>When the first token was sampled; null before.</summary>
    public long? FirstTokenAt { get; set; }

    /// <summary>Whether the limit of tokens is reached.</summary>
    public bool ReachedLimit => Job.Sampling.MaxTokens > 0 && Generated >= Job.Sampling.MaxTokens;

    /// <summary>Shared: what the job tells its reader.</summary>
    public ChannelReader<DecodeOutput> Outputs => _outputs.Reader;

    /// <summary>Shared: completes when the device has let go of the slot.</summary>
    public Task Released => _released.Task;

    /// <summary>Shared: whether the reader went away.</summary>
    public bool Cancelled => _cancelled;

    /// <summary>Shared: the reason why somebody wants it to end; null when nobody does.</summary>
    public EndReason? StopRequest => _stop == NotStopped ? null : (EndReason)_stop;

    /// <summary>Shared: the reader went away.</summary>
    public void Cancel() => _cancelled = true;

    /// <summary>Shared: somebody wants it to end.</summary>
    public void RequestStop(EndReason reason) => _stop = (int)reason;

    /// <summary>Shared: the reader took an output; whether the device thread waits for that.</summary>
    public bool MadeRoom()
    {
        Interlocked.MemoryBarrier(); // the output is out of the channel before the flag is read; see HasRoom
        return _paused;
    }

    /// <summary>Whether the reader is near enough for another step.</summary>
    public bool HasRoom()
    {
        _paused = false;
        if (_outputs.Reader.Count < _outputsAhead)
            return true;
        _paused = true;
        Interlocked.MemoryBarrier(); // the flag is up before the count is read again; see MadeRoom
        return _outputs.Reader.Count < _outputsAhead;
    }

    /// <summary>What to feed next: a sampled token, or at most <paramref name="budget"/> tokens of the input.</summary>
    public (long Position, ReadOnlyMemory<int> Ids, bool IsInput) Next(long slotPosition, int budget)
    {
        if (_hasPending)
            return (slotPosition, _pending, false);
        while (Job.Input[_run].Ids.Length == _offset)
            (_run, _offset) = (_run + 1, 0);
        TokenRun run = Job.Input[_run];
        return (run.Position + _offset, run.Ids.Slice(_offset, Math.Min(budget, run.Ids.Length - _offset)), true);
    }

    /// <summary>Whether these are the last tokens before something is sampled.</summary>
    public bool IsLast(ReadOnlyMemory<int> ids) => _hasPending || InputDone + ids.Length == InputTotal;

    /// <summary>What <see cref="Next"/> gave is in the tensors.</summary>
    public void Fed(ReadOnlyMemory<int> ids)
    {
        if (_hasPending)
        {
            _hasPending = false;
            StreamHash = StreamHash?.Append(ids.Span);
            return;
        }
        _offset += ids.Length;
        InputDone += ids.Length;
        if (InputDone == InputTotal)
            StreamHash = Job.StreamHash;
    }

    /// <summary>A token was sampled: it is fed with the next step, or stays pending at the end.</summary>
    public void Sampled(int id)
    {
        _pending[0] = id;
        _hasPending = true;
        Generated++;
    }

    /// <summary>Tells the reader. There is room: <see cref="HasRoom"/> was asked before the step.</summary>
    public void Tell(DecodeOutput output)
    {
        if (!_outputs.Writer.TryWrite(output))
            throw new InvalidOperationException($"The outputs of slot {Job.Slot}'s job outgrew their limit.");
    }

    /// <summary>Nothing more comes; the slot is free.</summary>
    public void Complete(Exception? failure = null)
    {
        _outputs.Writer.Complete(failure);
        _released.SetResult();
    }
}
