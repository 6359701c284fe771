using Streaming.Inference.Snapshots;

namespace Streaming.Inference.Batching;

/// <summary>Somebody wants a snapshot of a slot, as it is when its turn comes between two steps.</summary>
internal sealed class CaptureRequest(int slot)
{
    private readonly TaskCompletionSource<ISlotSnapshot?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _unwanted;

    /// <summary>The slot.</summary>
    public int Slot => slot;

    /// <summary>Whether nobody waits for it any more.</summary>
    public bool IsUnwanted => _unwanted;

    /// <summary>The snapshot; whoever stops waiting leaves it to be disposed.</summary>
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

    /// <summary>Answers with a snapshot, or null when there is nothing to take.</summary>
    public void Answer(ISlotSnapshot? snapshot) => _answer.SetResult(snapshot);

    /// <summary>Answers that it failed.</summary>
    public void Fail(Exception failure) => _answer.SetException(failure);
}
