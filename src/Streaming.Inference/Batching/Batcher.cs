using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Streaming.Inference.Decoding;
using Streaming.Inference.Sampling;
using Streaming.Inference.Threading;
using Streaming.Inference.Tokenizing;
using TorchSharp;

namespace Streaming.Inference.Batching;

/// <summary>
/// Continuous batching on one device (Yu et al. 2022, "Orca"). One thread owns all tensors. Each step advances all running decode
/// jobs; jobs join and leave between steps. Long inputs are prefilled in chunks, in the same steps as the replies of others. The
/// steps are in <c>Batcher.Step.cs</c>, snapshots in <c>Batcher.Snapshots.cs</c>.
/// </summary>
public sealed partial class Batcher : IDecodeDevice
{
    private const long NoStep = long.MinValue;

    private readonly Decoder _decoder;
    private readonly IVocabulary _vocabulary;
    private readonly HashSet<int> _endTokens;
    private readonly BatcherOptions _options;
    private readonly TimeProvider _time;
    private readonly Sampler _sampler;
    private readonly SlotState[] _slots;
    private readonly Sequence?[] _current;
    private readonly Channel<Request> _requests;
    private readonly Signal _wake = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _disposing;
    private long _stepBegan = NoStep;

    /// <summary>A request to the device's thread: one of the two.</summary>
    private readonly record struct Request(Sequence? Job, CaptureRequest? Capture);

    /// <summary>Starts the device's thread. The thread owns the decoder and disposes it at the end.</summary>
    /// <param name="decoder">The model on its device.</param>
    /// <param name="vocabulary">The bytes of each token.</param>
    /// <param name="endTokens">Tokens that end a reply.</param>
    /// <param name="controlTokens">Other control tokens; like end tokens, they are never sampled in replies that ignore their end.</param>
    /// <param name="options">How the device is shared; null for the defaults.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <exception cref="InputException">An option or an end token is impossible.</exception>
    public Batcher(
        Decoder decoder,
        IVocabulary vocabulary,
        IReadOnlyCollection<int> endTokens,
        IReadOnlyCollection<int>? controlTokens = null,
        BatcherOptions? options = null,
        TimeProvider? time = null
    )
    {
        _options = options ?? new BatcherOptions();
        _options.Check();
        foreach (int id in endTokens)
        {
            if (id < 0 || id >= decoder.Config.VocabularySize)
                throw new InputException(
                    $"The end token {id} is not in the checkpoint's vocabulary of {decoder.Config.VocabularySize}: correct eos_token_id."
                );
        }
        _decoder = decoder;
        _vocabulary = vocabulary;
        _endTokens = [.. endTokens];
        _time = time ?? TimeProvider.System;
        _sampler = new Sampler(endTokens, controlTokens);
        _slots = [.. Enumerable.Range(0, decoder.Slots).Select(index => new SlotState(index, decoder.Capacity))];
        _current = new Sequence?[decoder.Slots];
        _captures = new CaptureRequest?[decoder.Slots];
        // One queue keeps the order of requests: a capture before a job gets what the slot held before that job.
        _requests = Channel.CreateBounded<Request>(new BoundedChannelOptions(2 * decoder.Slots) { SingleReader = true });
        new Thread(Run) { IsBackground = true, Name = "decode" }.Start();
    }

    /// <inheritdoc/>
    public int Slots => _decoder.Slots;

    /// <inheritdoc/>
    public int Capacity => _decoder.Capacity;

    /// <inheritdoc/>
    public int RebuildLength(int window) => _decoder.RebuildLength(window);

    /// <inheritdoc/>
    public bool IsHung =>
        Interlocked.Read(ref _stepBegan) is var began && began != NoStep && _time.GetElapsedTime(began) > _options.HungAfter;

    /// <inheritdoc/>
    public bool IsBusy(int slot) => Volatile.Read(ref _current[slot]) is not null;

    /// <inheritdoc/>
    public async IAsyncEnumerable<DecodeOutput> DecodeAsync(
        DecodeJob job,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        Sequence sequence = Submit(job);
        try
        {
            await foreach (DecodeOutput output in sequence.Outputs.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                if (sequence.MadeRoom())
                    _wake.Set();
                cancellation.ThrowIfCancellationRequested(); // a slow reader never waits for the channel, so it must look
                yield return output;
            }
        }
        finally
        {
            sequence.Cancel();
            _wake.Set();
            await sequence.Released.WaitAsync(_options.StepTimeout, _time, CancellationToken.None).ConfigureAwait(false);
            while (sequence.Outputs.TryRead(out DecodeOutput? unread))
                (unread as DecodePreempted)?.Rest.Snapshot?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Stop(int slot, EndReason reason)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, Slots);
        Volatile.Read(ref _current[slot])?.RequestStop(reason);
        _wake.Set();
    }

    /// <inheritdoc/>
    public void Preempt(int slot)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, Slots);
        Volatile.Read(ref _current[slot])?.RequestPreemption();
        _wake.Set();
    }

    /// <summary>Ends the thread after the current step; running jobs get an <see cref="ObjectDisposedException"/>.</summary>
    /// <exception cref="TimeoutException">The current step did not end in time.</exception>
    public async ValueTask DisposeAsync()
    {
        _disposing = true;
        _wake.Set();
        await _ended.Task.WaitAsync(_options.StepTimeout, _time).ConfigureAwait(false);
    }

    /// <summary>Reserves the slot for a job and passes the job to the device's thread.</summary>
    private Sequence Submit(DecodeJob job)
    {
        ObjectDisposedException.ThrowIf(_disposing, this);
        DecodeJobCheck.Check(job, _decoder);
        CheckSnapshot(job);
        var sequence = new Sequence(job, _vocabulary, _options.OutputsAhead);
        if (Interlocked.CompareExchange(ref _current[job.Slot], sequence, null) is not null)
            throw new InputException($"Slot {job.Slot} is busy with another job: wait for its end, or stop it.");

        // The queue has room for a job and a capture of each slot, so it refuses only after the thread has ended.
        if (!_requests.Writer.TryWrite(new Request(sequence, null)))
        {
            Volatile.Write(ref _current[job.Slot], null);
            throw new ObjectDisposedException(nameof(Batcher));
        }
        _wake.Set();
        return sequence;
    }

    /// <summary>The device's thread: takes steps while there is work, then sleeps.</summary>
    private void Run()
    {
        Exception end = new ObjectDisposedException(nameof(Batcher));
        try
        {
            if (_options.Threads > 0)
                torch.set_num_threads(_options.Threads); // OpenMP keeps it per calling thread
            while (!_disposing)
            {
                Interlocked.Exchange(ref _stepBegan, _time.GetTimestamp());
                bool stepped = Step();
                Interlocked.Exchange(ref _stepBegan, NoStep);
                if (!stepped)
                    _wake.Wait();
            }
        }
        catch (Exception failure) // the thread's boundary: all readers get the failure
        {
            end = failure;
        }
        finally
        {
            _disposing = true;
            _requests.Writer.Complete();
            while (_requests.Reader.TryRead(out Request request))
            {
                if (request.Job is { } job)
                    Release(job, end);
                request.Capture?.Fail(end);
            }
            foreach (Sequence sequence in _running)
                Release(sequence, end);
            _running.Clear();
            _decoder.Dispose();
            _ended.SetResult();
        }
    }
}
