using System.Threading.Channels;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Batching;

/// <summary>
/// A running decode job. The device's thread owns it; its reader may use only members marked "Shared".
/// </summary>
internal sealed class Sequence
{
    private const int NotStopped = -1;

    // Progress, a token, the end.
    private const int OutputsPerStep = 3;

    private readonly Channel<DecodeOutput> _outputs;
    private readonly int _outputsAhead;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int[] _pending = new int[1];
    private bool _hasPending;
    private bool _hasStepped;
    private int _run;
    private int _offset;
    private volatile bool _cancelled;
    private volatile bool _paused;
    private volatile bool _preempted;
    private volatile int _stop = NotStopped;

    /// <summary>Prepares a checked job.</summary>
    public Sequence(DecodeJob job, IVocabulary vocabulary, int outputsAhead)
    {
        Job = job;
        Text = new TextStream(vocabulary, job.Text, job.Sampling.Stop, job.BeginsText && job.AlreadyGenerated == 0);
        InputDone = job.Earlier.InputTokens;
        if (job.Earlier.Decodes)
        {
            InputTotal = InputDone;
            _pending[0] = job.Input[^1].Ids.Span[0];
            _hasPending = true;
            StreamHash = job.StreamHash?.Remove(_pending);
        }
        else
        {
            InputTotal = InputDone + job.Input.Sum(run => (long)run.Ids.Length);
        }
        Rebuilds = job.Earlier.Rebuilds || (job.Reset && LeavesTokensOut(job.Input));
        Generated = job.AlreadyGenerated;
        _outputsAhead = outputsAhead;
        _outputs = Channel.CreateBounded<DecodeOutput>(
            new BoundedChannelOptions(outputsAhead + OutputsPerStep) { SingleReader = true, SingleWriter = true }
        );
    }

    /// <summary>The request.</summary>
    public DecodeJob Job { get; }

    /// <summary>The reply's text.</summary>
    public TextStream Text { get; }

    /// <summary>Tokens to prefill, including those from before a preemption.</summary>
    public long InputTotal { get; }

    /// <summary>Tokens prefilled so far.</summary>
    public long InputDone { get; private set; }

    /// <summary>Whether the input leaves tokens out, so that the slot is rebuilt.</summary>
    public bool Rebuilds { get; }

    /// <summary>Whether the input is not complete.</summary>
    public bool IsPrefilling => InputDone < InputTotal;

    /// <summary>Hash of all ids of the stream that are in the tensors; null during prefill, or if unknown.</summary>
    public StreamHash? StreamHash { get; private set; }

    /// <summary>Tokens of the reply, including those from before an interruption.</summary>
    public long Generated { get; private set; }

    /// <summary>When the device started the job, a timestamp of the time provider.</summary>
    public long StartedAt { get; set; }

    /// <summary>When the first token was sampled, a timestamp of the time provider; null before.</summary>
    public long? FirstTokenAt { get; set; }

    /// <summary>Whether the token limit is reached.</summary>
    public bool ReachedLimit => Job.Sampling.MaxTokens > 0 && Generated >= Job.Sampling.MaxTokens;

    /// <summary>Shared: the job's outputs.</summary>
    public ChannelReader<DecodeOutput> Outputs => _outputs.Reader;

    /// <summary>Shared: completes when the device has released the slot.</summary>
    public Task Released => _released.Task;

    /// <summary>Shared: whether the reader has cancelled.</summary>
    public bool Cancelled => _cancelled;

    /// <summary>Shared: the reason of a requested stop; null if none is requested.</summary>
    public EndReason? StopRequest => _stop == NotStopped ? null : (EndReason)_stop;

    /// <summary>Shared: the reader cancels.</summary>
    public void Cancel() => _cancelled = true;

    /// <summary>Shared: requests a stop after the current step.</summary>
    public void RequestStop(EndReason reason) => _stop = (int)reason;

    /// <summary>Shared: requests that the job gives its slot up after a step.</summary>
    public void RequestPreemption() => _preempted = true;

    /// <summary>Whether the job can give its slot up now, as requested: it has taken a step and is not before left out tokens.</summary>
    public bool Yields(long slotPosition) => _preempted && _hasStepped && Next(slotPosition, 1).Position == slotPosition;

    /// <summary>
    /// Hash of all ids of the stream that are in the tensors, during prefill too; null if unknown. During prefill it is the input's
    /// without the ids that are still to be fed.
    /// </summary>
    /// <param name="slot">The job's slot.</param>
    public StreamHash? HashIn(SlotState slot)
    {
        if (!IsPrefilling || Job.StreamHash is not { } hash)
            return StreamHash;
        TokenRun[] rest = RestOfInput();
        if (LeavesTokensOut(rest, slot.Position))
            return Snapshots.StreamHash.Empty.Append(slot.CachedIds[..(int)slot.Position]); // the slot holds a part of its fixed part
        for (int run = rest.Length - 1; run >= 0; run--)
            hash = hash.Remove(rest[run].Ids.Span);
        return hash;
    }

    /// <summary>The rest of the job, to go on from a snapshot of its slot.</summary>
    public DecodeJob RestAt(SlotState slot, ISlotSnapshot snapshot, long now, TimeProvider time)
    {
        (TimeSpan inputTime, TimeSpan decodeTime) = TimesAt(now, time);
        return Job with
        {
            Reset = false,
            Snapshot = snapshot,
            Input = _hasPending ? [new TokenRun(slot.Position, new[] { _pending[0] })] : RestOfInput(),
            StreamHash = _hasPending ? StreamHash?.Append(_pending) : Job.StreamHash,
            AlreadyGenerated = Generated,
            Text = Text.State,
            Earlier = new JobProgress(InputDone, inputTime, decodeTime, Rebuilds, _hasPending),
        };
    }

    /// <summary>The last output; the text ends.</summary>
    public DecodeEnded EndAt(long now, EndReason reason, TimeProvider time)
    {
        (TimeSpan inputTime, TimeSpan decodeTime) = TimesAt(now, time);
        return new DecodeEnded(reason, Text.Flush(), InputDone, inputTime, decodeTime);
    }

    /// <summary>Time on the device before and after the first token.</summary>
    private (TimeSpan Input, TimeSpan Decode) TimesAt(long now, TimeProvider time)
    {
        long firstToken = Job.Earlier.Decodes ? StartedAt : FirstTokenAt ?? now;
        return (
            Job.Earlier.InputTime + time.GetElapsedTime(StartedAt, firstToken),
            Job.Earlier.DecodeTime + time.GetElapsedTime(firstToken, now)
        );
    }

    private TokenRun[] RestOfInput() =>
        [
            .. Job
                .Input.Skip(_run)
                .Select((run, i) => i == 0 ? new TokenRun(run.Position + _offset, run.Ids[_offset..]) : run)
                .Where(run => !run.Ids.IsEmpty),
        ];

    private static bool LeavesTokensOut(IEnumerable<TokenRun> runs, long position = 0)
    {
        foreach (TokenRun run in runs.Where(run => !run.Ids.IsEmpty))
        {
            if (run.Position != position)
                return true;
            position += run.Ids.Length;
        }
        return false;
    }

    /// <summary>Shared: the reader took an output. Returns whether the job is paused, so the device's thread must be woken.</summary>
    public bool MadeRoom()
    {
        Interlocked.MemoryBarrier(); // takes the output before it reads the flag; see HasRoom
        return _paused;
    }

    /// <summary>Whether few enough outputs are unread for another step; otherwise the job pauses.</summary>
    public bool HasRoom()
    {
        _paused = false;
        if (_outputs.Reader.Count < _outputsAhead)
            return true;
        _paused = true;
        Interlocked.MemoryBarrier(); // sets the flag before it reads the count again; see MadeRoom
        return _outputs.Reader.Count < _outputsAhead;
    }

    /// <summary>The next tokens to feed: the pending token, or at most <paramref name="budget"/> tokens of the input.</summary>
    public (long Position, ReadOnlyMemory<int> Ids, bool IsInput) Next(long slotPosition, int budget)
    {
        if (_hasPending)
            return (slotPosition, _pending, false);
        while (Job.Input[_run].Ids.Length == _offset)
            (_run, _offset) = (_run + 1, 0);
        TokenRun run = Job.Input[_run];
        return (run.Position + _offset, run.Ids.Slice(_offset, Math.Min(budget, run.Ids.Length - _offset)), true);
    }

    /// <summary>Whether a token is sampled after these.</summary>
    public bool IsLast(ReadOnlyMemory<int> ids) => _hasPending || InputDone + ids.Length == InputTotal;

    /// <summary>Records that the tokens of <see cref="Next"/> are in the tensors.</summary>
    public void Fed(ReadOnlyMemory<int> ids)
    {
        _hasStepped = true;
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

    /// <summary>Records a sampled token: the next step feeds it, or it stays pending at the end.</summary>
    public void Sampled(int id)
    {
        _pending[0] = id;
        _hasPending = true;
        Generated++;
    }

    /// <summary>Writes an output. The channel has room because <see cref="HasRoom"/> is checked before each step.</summary>
    public void Tell(DecodeOutput output)
    {
        if (!_outputs.Writer.TryWrite(output))
            throw new InvalidOperationException($"The job of slot {Job.Slot} has more unread outputs than its channel holds.");
    }

    /// <summary>Ends the outputs and marks the slot as released; only the first call has an effect.</summary>
    public void Complete(Exception? failure = null)
    {
        _outputs.Writer.TryComplete(failure);
        _released.TrySetResult();
    }
}
