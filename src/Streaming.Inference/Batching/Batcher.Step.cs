using Streaming.Inference.Kernels;
using Streaming.Inference.Memory;
using Streaming.Inference.Sampling;
using Streaming.Inference.Snapshots;
using TorchSharp;

namespace Streaming.Inference.Batching;

public sealed partial class Batcher
{
    private readonly List<Sequence> _running = [];

    // Reused in every step.
    private readonly List<Scheduled> _scheduled = [];
    private readonly List<Segment> _segments = [];
    private readonly List<Sequence> _readers = [];

    /// <summary>A sequence's segment of a step.</summary>
    private readonly record struct Scheduled(Sequence Sequence, Segment Segment, bool IsInput);

    /// <summary>One step of the device. False if there is nothing to do: no job runs, or all are paused.</summary>
    private bool Step()
    {
        Accept();
        EndStopped();
        Schedule();
        if (_scheduled.Count == 0)
            return false;

        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor? logits; // [sequences that sample, vocabulary]
        try
        {
            logits = _decoder.Step(_segments);
        }
        catch (Exception failure) // the device's boundary: jobs of this step fail, others go on
        {
            foreach (Scheduled part in _scheduled)
                Fail(part.Sequence, failure);
            return true;
        }

        int row = 0;
        foreach ((Sequence sequence, Segment segment, bool isInput) in _scheduled)
        {
            SlotState slot = _slots[sequence.Job.Slot];
            Span<float> ofSequence = segment.Logits == LogitRows.None ? [] : Row(logits!, row++);
            try
            {
                slot.Advance(segment);
                sequence.Fed(segment.Ids);
                slot.Hash = sequence.StreamHash;
                if (isInput && sequence.InputTotal > _options.PrefillTokens)
                    sequence.Tell(new PrefillProgress(sequence.InputDone, sequence.InputTotal));
                if (segment.Logits == LogitRows.None)
                    continue;
                SamplingParameters sampling = sequence.Job.Sampling;
                float[]? own = sampling.LogProbabilities is null ? null : ofSequence.ToArray(); // the sampler overwrites the row
                int id = _sampler.Sample(
                    ofSequence,
                    sampling,
                    new SampledStream
                    {
                        Branch = sequence.Job.Branch,
                        Position = slot.Position,
                        Generated = sequence.Generated,
                        CachedIds = slot.CachedIds,
                        Layout = slot.Layout,
                    }
                );
                Deliver(sequence, id, own is null ? null : TokenLogProbabilities.Of(own, id, sampling.LogProbabilities!.Value));
            }
            catch (ArithmeticException failure) // logits are not finite
            {
                Fail(sequence, failure);
            }
            catch (InputException refusal) // the sampling forbids every token
            {
                Refuse(sequence, refusal);
            }
            catch (Exception failure) // the conversation's boundary: its own sampling or text ends this job, others go on
            {
                Refuse(sequence, Unexpected(failure));
            }
        }
        return true;
    }

    /// <summary>Handles the requests since the last step.</summary>
    private void Accept()
    {
        while (_requests.Reader.TryRead(out Request request))
        {
            if (request.Capture is { } capture)
                Capture(capture);
            if (request.Job is not { } sequence)
                continue;
            SlotState slot = _slots[sequence.Job.Slot];
            sequence.StartedAt = _time.GetTimestamp();
            try
            {
                if (sequence.Cancelled)
                {
                    Release(sequence);
                    continue;
                }
                slot.Check(sequence.Job);
                if (sequence.ReachedLimit)
                    End(sequence, EndReason.Length);
                else if (HadEnded(sequence))
                    End(sequence, EndReason.Stop);
                else
                    Begin(sequence, slot);
            }
            catch (InputException refusal)
            {
                Release(sequence, refusal);
            }
            catch (Exception failure) // the conversation's boundary
            {
                Refuse(sequence, Unexpected(failure));
            }
        }
    }

    /// <summary>Whether the reply was interrupted after its end token, before its end was known.</summary>
    private bool HadEnded(Sequence sequence) =>
        sequence.Job is { AlreadyGenerated: > 0 } job && Ends(sequence, job.Input.Last(run => !run.Ids.IsEmpty).Ids.Span[^1]);

    private bool Ends(Sequence sequence, int id) =>
        (_endTokens.Contains(id) && !sequence.Job.Sampling.IgnoreEos) || sequence.Text.IsStop(id);

    private void Begin(Sequence sequence, SlotState slot)
    {
        _running.Add(sequence);
        if (!slot.Begin(sequence.Job))
            return;
        try
        {
            if (sequence.Job.Snapshot is SlotSnapshot snapshot)
                _decoder.CopyIn(sequence.Job.Slot, _decoder.Parts.RowsOf(snapshot.Ids), snapshot.Tensors);
            else
                _decoder.Clear(sequence.Job.Slot);
        }
        catch (Exception failure) // the device's boundary: this job fails, others go on
        {
            Fail(sequence, failure);
        }
    }

    /// <summary>Ends jobs that were cancelled, stopped or preempted since the last step.</summary>
    private void EndStopped()
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            Sequence sequence = _running[i];
            if (sequence.Cancelled)
            {
                _slots[sequence.Job.Slot].MustReset = true;
                Release(sequence);
                _running.RemoveAt(i);
            }
            else if (sequence.StopRequest is { } reason)
            {
                try
                {
                    End(sequence, reason);
                }
                catch (Exception failure) // the conversation's boundary: its text cannot be ended
                {
                    Refuse(sequence, Unexpected(failure));
                }
            }
            else if (sequence.Yields(_slots[sequence.Job.Slot].Position))
            {
                Preempt(sequence);
            }
        }
    }

    /// <summary>Schedules one token of every reply and a bounded number of input tokens; jobs take turns in prefilling.</summary>
    private void Schedule()
    {
        _scheduled.Clear();
        _segments.Clear();
        _readers.Clear();
        int budget = _options.PrefillTokens;
        foreach (Sequence sequence in _running)
        {
            if (!sequence.HasRoom())
                continue;
            SlotState slot = _slots[sequence.Job.Slot];
            (long position, ReadOnlyMemory<int> ids, bool isInput) = sequence.Next(slot.Position, budget);
            if (ids.IsEmpty)
                continue; // the budget is spent
            LogitRows logits = sequence.IsLast(ids) ? LogitRows.Last : LogitRows.None;
            _scheduled.Add(new Scheduled(sequence, slot.Next(position, ids, logits), isInput));
            if (!isInput)
                continue;
            budget -= ids.Length;
            _readers.Add(sequence);
        }
        foreach (Sequence reader in _readers)
        {
            _running.Remove(reader);
            _running.Add(reader); // the next step prefills another job first
        }
        // In the order of slots: libtorch's kernels batch the attention of replies in consecutive slots.
        _scheduled.Sort(static (a, b) => (a.IsInput, a.Segment.Slot).CompareTo((b.IsInput, b.Segment.Slot)));
        foreach (Scheduled part in _scheduled)
            _segments.Add(part.Segment);
    }

    /// <summary>
    /// Outputs a token and decides whether it was the last one. A ring cannot be rewound, so this precedes the next step.
    /// </summary>
    private void Deliver(Sequence sequence, int id, TokenLogProbabilities? logProbabilities)
    {
        sequence.FirstTokenAt ??= _time.GetTimestamp();
        sequence.Sampled(id);
        bool isEnd = Ends(sequence, id);
        string text = isEnd ? "" : sequence.Text.Append(id);
        sequence.Tell(new TokenSampled(id, text, sequence.Text.State, logProbabilities));
        if (isEnd || sequence.Text.Stopped)
            End(sequence, EndReason.Stop);
        else if (sequence.ReachedLimit)
            End(sequence, EndReason.Length);
    }

    private void End(Sequence sequence, EndReason reason)
    {
        _running.Remove(sequence);
        Release(sequence, last: sequence.EndAt(_time.GetTimestamp(), reason, _time));
    }

    private void Fail(Sequence sequence, Exception failure)
    {
        int slot = sequence.Job.Slot;
        _slots[slot].MustReset = true;
        _running.Remove(sequence);
        Release(
            sequence,
            new DeviceFailedException($"A step of the job in slot {slot} failed on the device: reset the slot and try again.", failure)
        );
    }

    /// <summary>Ends a job that would fail again in the same way; the slot has an unknown position then.</summary>
    private void Refuse(Sequence sequence, InputException refusal)
    {
        _slots[sequence.Job.Slot].MustReset = true;
        _running.Remove(sequence);
        Release(sequence, refusal);
    }

    /// <summary>
    /// A failure of what the host computes for one conversation. That is a function of its ids and settings, so it would fail again.
    /// </summary>
    private static InputException Unexpected(Exception failure) =>
        new(
            $"An error of this host ({failure.GetType().Name}) ended the reply: send the message again, "
                + "and report what the host's log says.",
            failure
        );

    /// <summary>Frees the slot first and then outputs the end, so that the reader can use the slot again at once.</summary>
    private void Release(Sequence sequence, Exception? failure = null, DecodeOutput? last = null)
    {
        // Only its own entry: if writing the end fails, the slot is released again, and may have another job by then.
        Interlocked.CompareExchange(ref _current[sequence.Job.Slot], null, sequence);
        if (last is not null)
            sequence.Tell(last);
        sequence.Complete(failure);
    }

    private static unsafe Span<float> Row(torch.Tensor logits, int row)
    {
        int width = TensorMemory.Length(logits, 1);
        return new Span<float>((float*)TensorMemory.AddressOf(logits) + (long)row * width, width);
    }
}
