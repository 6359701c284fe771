namespace Streaming.Storage.Migration;

/// <summary>One run of the copy, from the state that the target holds to the end.</summary>
internal sealed class StoreMigrationRun(MigrationSource source, MigrationTarget target, long total, Action<StoreMigrationProgress>? report)
{
    private const int ConversationsPerSave = 64;
    private const int AtOnce = 8;

    private readonly Lock _counting = new();
    private MigrationState _state = null!;

    /// <summary>Copies what the target does not have yet.</summary>
    public async Task<StoreMigrationSummary> RunAsync(CancellationToken cancellation)
    {
        string fingerprint = await source.FingerprintAsync(cancellation).ConfigureAwait(false);
        _state =
            await target.ReadStateAsync(cancellation).ConfigureAwait(false)
            ?? await BeginAsync(fingerprint, cancellation).ConfigureAwait(false);
        if (_state.Source != fingerprint)
        {
            throw new StoreMigrationException(
                $"{target.Name} holds what was moved from another store, or from this one before a host used it again: choose another "
                    + "Streaming:Azure:Prefix, or delete its tables and containers first."
            );
        }

        if (_state.IsComplete)
            return Summary(wasComplete: true);
        if (!_state.HasStates)
            await CopyStatesAsync(cancellation).ConfigureAwait(false);
        await CopyConversationsAsync(cancellation).ConfigureAwait(false);
        return Summary(wasComplete: false);
    }

    /// <summary>Begins a copy. Before anything is written, checks that the target has nothing of the same name.</summary>
    private async Task<MigrationState> BeginAsync(string fingerprint, CancellationToken cancellation)
    {
        await foreach (IReadOnlyList<StoredGrainState> page in source.ReadStatesAsync(cancellation).ConfigureAwait(false))
            await ForEachAsync(page, target.RequireSameOrNoneAsync, cancellation).ConfigureAwait(false);
        for (
            long after = 0;
            await source.ReadHeadsAsync(after, ConversationsPerSave, cancellation).ConfigureAwait(false) is [.., var last] page;
            after = last.Stored.Log
        )
            await ForEachAsync(page, target.RequireNoneAsync, cancellation).ConfigureAwait(false);
        var state = new MigrationState { Source = fingerprint };
        await target.WriteStateAsync(state, cancellation).ConfigureAwait(false);
        return state;
    }

    private async Task CopyStatesAsync(CancellationToken cancellation)
    {
        long states = 0;
        await foreach (IReadOnlyList<StoredGrainState> page in source.ReadStatesAsync(cancellation).ConfigureAwait(false))
        {
            await ForEachAsync(page, target.WriteGrainStateAsync, cancellation).ConfigureAwait(false);
            states += page.Count;
        }

        await SaveAsync(_state with { HasStates = true, States = states }, cancellation).ConfigureAwait(false);
    }

    /// <summary>Copies conversations page by page, some at once. The state advances when a whole page is copied.</summary>
    private async Task CopyConversationsAsync(CancellationToken cancellation)
    {
        while (await source.ReadHeadsAsync(_state.After, ConversationsPerSave, cancellation).ConfigureAwait(false) is [.., var last] page)
        {
            MigrationState next = _state with { After = last.Stored.Log };
            await ForEachAsync(
                    page,
                    async (head, token) =>
                    {
                        ContentSummary sum = await new ConversationMigration(source, target, head).RunAsync(token).ConfigureAwait(false);
                        lock (_counting)
                        {
                            next = next.Plus(head, sum);
                            report?.Invoke(new StoreMigrationProgress(next.Conversations, total, next.Events, next.Ids));
                        }
                    },
                    cancellation
                )
                .ConfigureAwait(false);
            await SaveAsync(next, cancellation).ConfigureAwait(false);
        }

        if (_state.Conversations != total)
            throw new StoreMigrationException(
                $"{_state.Conversations} conversations of {total} are in {target.Name}: delete its tables and containers, and move the "
                    + "store again."
            );
        await SaveAsync(_state with { IsComplete = true }, cancellation).ConfigureAwait(false);
    }

    private async Task SaveAsync(MigrationState state, CancellationToken cancellation)
    {
        await target.WriteStateAsync(state, cancellation).ConfigureAwait(false);
        _state = state;
    }

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> action, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            items,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (item, token) => await action(item, token).ConfigureAwait(false)
        );

    private StoreMigrationSummary Summary(bool wasComplete) =>
        new(_state.Conversations, _state.Hidden, _state.Events, _state.Ids, _state.Receipts, _state.States, wasComplete);
}
