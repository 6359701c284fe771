namespace Streaming.Training.DataLoading;

/// <summary>The state of data loading, stored with the weights.</summary>
/// <param name="Mixture">The mixture's state.</param>
/// <param name="Packer">The packer's state.</param>
internal sealed record LoaderState(MixtureState Mixture, PackerState Packer);

/// <summary>The sequences of one step.</summary>
/// <param name="Ids">Token ids, in rows of <paramref name="Length"/>.</param>
/// <param name="Targets">The next token of each.</param>
/// <param name="LossMask">Whether each target counts in the loss.</param>
/// <param name="Length">Tokens in a sequence.</param>
/// <param name="After">The state of data loading after this batch.</param>
internal sealed record TrainingBatch(long[] Ids, long[] Targets, bool[] LossMask, int Length, LoaderState After);

/// <summary>Loads batches, one ahead of the batch in use: a fast device would otherwise mostly wait for its texts.</summary>
internal sealed class BatchLoader : IDisposable
{
    private readonly Mixture _mixture;
    private readonly SequencePacker _packer;
    private readonly int _tokens;
    private Task<TrainingBatch>? _next;

    /// <param name="sources">The sources.</param>
    /// <param name="bos">The start token.</param>
    /// <param name="tokens">Tokens in a batch.</param>
    /// <param name="state">The state from which to continue; it is changed.</param>
    public BatchLoader(IEnumerable<ITextSource> sources, int bos, int tokens, LoaderState state)
    {
        _mixture = new Mixture(sources, state.Mixture);
        _packer = new SequencePacker(_mixture, bos, state.Packer);
        _tokens = tokens;
    }

    /// <summary>The next batch. If it could not be loaded ahead, that failure is thrown here.</summary>
    /// <param name="length">Tokens in a sequence of this batch.</param>
    /// <param name="following">Tokens in a sequence of the batch after it, to load ahead; null if there is none.</param>
    /// <exception cref="InvalidOperationException">The batch was loaded ahead with another length.</exception>
    public TrainingBatch Next(int length, int? following)
    {
        (Task<TrainingBatch>? ahead, _next) = (_next, null);
        TrainingBatch batch = ahead?.GetAwaiter().GetResult() ?? Load(length);
        if (batch.Length != length)
            throw new InvalidOperationException($"The batch was loaded ahead with sequences of {batch.Length} tokens, not {length}.");
        _next = following is int next ? Task.Run(() => Load(next)) : null;
        return batch;
    }

    /// <summary>Waits for the batch that is being loaded. Its failure is ignored, so that it cannot hide why the training ended.</summary>
    public void Dispose()
    {
        if (_next is not null)
            Task.WhenAny(_next).Wait();
    }

    private TrainingBatch Load(int length)
    {
        (long[]? ids, long[]? targets, bool[]? lossMask) = (new long[_tokens], new long[_tokens], new bool[_tokens]);
        _packer.Fill(ids, targets, lossMask, length);
        return new TrainingBatch(ids, targets, lossMask, length, new LoaderState(_mixture.State.Copy(), _packer.State.Copy()));
    }
}
