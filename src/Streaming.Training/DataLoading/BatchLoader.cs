namespace Streaming.Training.DataLoading;

/// <summary>Where the dealing of texts is; stored with the weights.</summary>
/// <param name="Mixture">Where the mixture is.</param>
/// <param name="Packer">Where the packer is.</param>
internal sealed record LoaderState(MixtureState Mixture, PackerState Packer);

/// <summary>The sequences of one step.</summary>
/// <param name="Ids">Tokens, rows of <paramref name="Length"/>.</param>
/// <param name="Targets">The token that follows each.</param>
/// <param name="LossMask">Whether that is learnt.</param>
/// <param name="Length">Tokens of a sequence.</param>
/// <param name="After">Where the dealing is after it.</param>
internal sealed record TrainingBatch(long[] Ids, long[] Targets, bool[] LossMask, int Length, LoaderState After);

/// <summary>Deals batches, the next one while the present one is learnt from: a fast device would wait longer for its texts than it computes.</summary>
internal sealed class BatchLoader : IDisposable
{
    private readonly Mixture _mixture;
    private readonly SequencePacker _packer;
    private readonly int _tokens;
    private Task<TrainingBatch>? _next;

    /// <param name="sources">What is dealt.</param>
    /// <param name="bos">The start token.</param>
    /// <param name="tokens">Tokens of a batch.</param>
    /// <param name="state">Where an earlier run was.</param>
    public BatchLoader(IEnumerable<ITextSource> sources, int bos, int tokens, LoaderState state)
    {
        _mixture = new Mixture(sources, state.Mixture);
        _packer = new SequencePacker(_mixture, bos, state.Packer);
        _tokens = tokens;
    }

    /// <summary>The next batch.</summary>
    /// <param name="length">Tokens of its sequences.</param>
    /// <param name="following">Those of the batch after it; null where there is none.</param>
    public TrainingBatch Next(int length, int? following)
    {
        (Task<TrainingBatch>? ahead, _next) = (_next, null);
        TrainingBatch batch = ahead?.GetAwaiter().GetResult() ?? Deal(length);
        if (batch.Length != length)
            throw new InvalidOperationException($"A batch of sequences of {batch.Length} was dealt where {length} were asked for.");
        _next = following is int next ? Task.Run(() => Deal(next)) : null;
        return batch;
    }

    /// <summary>Waits for what is being dealt. Nobody wants it any more, so its failure is no news, and must not hide why the training ends.</summary>
    public void Dispose()
    {
        if (_next is not null)
            Task.WhenAny(_next).Wait();
    }

    private TrainingBatch Deal(int length)
    {
        var (ids, targets, lossMask) = (new long[_tokens], new long[_tokens], new bool[_tokens]);
        _packer.Fill(ids, targets, lossMask, length);
        return new TrainingBatch(ids, targets, lossMask, length, new LoaderState(_mixture.State.Copy(), _packer.State.Copy()));
    }
}
