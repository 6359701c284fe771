namespace Streaming.Storage.Moving;

/// <summary>One run of a move: from the place that the target's mark names to the end.</summary>
internal sealed class StoreMoveRun(EmbeddedStore source, MoveTarget target, long total, Action<StoreMoveProgress>? report)
{
    private const int ConversationsPerMark = 64;
    private const int AtOnce = 8;

    private readonly Lock _counting = new();
    private MoveMark _mark = null!;

    /// <summary>Moves what is not there yet.</summary>
    public async Task<StoreMoveSummary> RunAsync(CancellationToken cancellation)
    {
        string fingerprint = await source.FingerprintAsync(cancellation).ConfigureAwait(false);
        _mark =
            await target.ReadMarkAsync(cancellation).ConfigureAwait(false)
            ?? await BeginAsync(fingerprint, cancellation).ConfigureAwait(false);
        if (_mark.Source != fingerprint)
        {
            throw new StoreMoveException(
                $"{target.Name} holds what was moved from another store, or from this one before a host used it again: choose another Streaming:Azure:Prefix, or delete its tables and containers first."
            );
        }

        if (_mark.IsComplete)
            return Summary(wasComplete: true);
        if (!_mark.HasStates)
            await MoveStatesAsync(cancellation).ConfigureAwait(false);
        await MoveConversationsAsync(cancellation).ConfigureAwait(false);
        return Summary(wasComplete: false);
    }

    /// <summary>Nothing was moved here before: nothing of the same name may be here, and nothing is written before that is known.</summary>
    private async Task<MoveMark> BeginAsync(string fingerprint, CancellationToken cancellation)
    {
        await foreach (IReadOnlyList<EmbeddedState> page in source.ReadStatesAsync(cancellation).ConfigureAwait(false))
            await ForEachAsync(page, target.RequireSameOrNoneAsync, cancellation).ConfigureAwait(false);
        for (
            long after = 0;
            await source.ReadHeadsAsync(after, ConversationsPerMark, cancellation).ConfigureAwait(false) is [.., var last] page;
            after = last.Stored.Log
        )
            await ForEachAsync(page, target.RequireNoneAsync, cancellation).ConfigureAwait(false);
        var mark = new MoveMark { Source = fingerprint };
        await target.WriteMarkAsync(mark, cancellation).ConfigureAwait(false);
        return mark;
    }

    private async Task MoveStatesAsync(CancellationToken cancellation)
    {
        long states = 0;
        await foreach (IReadOnlyList<EmbeddedState> page in source.ReadStatesAsync(cancellation).ConfigureAwait(false))
        {
            await ForEachAsync(page, target.WriteStateAsync, cancellation).ConfigureAwait(false);
            states += page.Count;
        }

        await MarkAsync(_mark with { HasStates = true, States = states }, cancellation).ConfigureAwait(false);
    }

    /// <summary>A page at a time, some conversations at once; the mark moves on when all of a page are there.</summary>
    private async Task MoveConversationsAsync(CancellationToken cancellation)
    {
        while (await source.ReadHeadsAsync(_mark.After, ConversationsPerMark, cancellation).ConfigureAwait(false) is [.., var last] page)
        {
            MoveMark next = _mark with { After = last.Stored.Log };
            await ForEachAsync(
                    page,
                    async (head, token) =>
                    {
                        ContentSum sum = await new ConversationMove(source, target, head).RunAsync(token).ConfigureAwait(false);
                        lock (_counting)
                        {
                            next = next.Plus(head, sum);
                            report?.Invoke(new StoreMoveProgress(next.Conversations, total, next.Events, next.Ids));
                        }
                    },
                    cancellation
                )
                .ConfigureAwait(false);
            await MarkAsync(next, cancellation).ConfigureAwait(false);
        }

        if (_mark.Conversations != total)
            throw new StoreMoveException(
                $"{_mark.Conversations} conversations of {total} are in {target.Name}: delete its tables and containers, and move the store anew."
            );
        await MarkAsync(_mark with { IsComplete = true }, cancellation).ConfigureAwait(false);
    }

    private async Task MarkAsync(MoveMark mark, CancellationToken cancellation)
    {
        await target.WriteMarkAsync(mark, cancellation).ConfigureAwait(false);
        _mark = mark;
    }

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> action, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            items,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (item, token) => await action(item, token).ConfigureAwait(false)
        );

    private StoreMoveSummary Summary(bool wasComplete) =>
        new(_mark.Conversations, _mark.Hidden, _mark.Events, _mark.Ids, _mark.Receipts, _mark.States, wasComplete);
}
