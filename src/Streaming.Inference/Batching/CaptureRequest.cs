using Streaming.Inference.Snapshots;

namespace Streaming.Inference.Batching;

/// <summary>A request for a snapshot of a slot. The device's thread answers it between two steps.</summary>
internal sealed class CaptureRequest(int slot)
{
    private readonly TaskCompletionSource<ISlotSnapshot?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _unwanted;

    /// <summary>The slot.</summary>
    public int Slot => slot;

    /// <summary>Whether the caller has stopped waiting.</summary>
    public bool IsUnwanted => _unwanted;

    /// <summary>The snapshot. If the caller cancels, the snapshot is disposed when it arrives.</summary>
    public async Task<ISlotSnapshot?> AnswerAsync(CancellationToken cancellation)
    {
        try
        {
            return await _answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _unwanted = true;
            _ = _answer.Task.ContinueWith(
                static answer => answer.Result?.Dispose(),
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default
            );
            throw;
        }
    }

    /// <summary>Answers with a snapshot, or null if the slot has none to give.</summary>
    public void Answer(ISlotSnapshot? snapshot) => _answer.SetResult(snapshot);

    /// <summary>Answers with a failure.</summary>
    public void Fail(Exception failure) => _answer.SetException(failure);
}
