using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Streaming.Storage.Sqlite;

/// <summary>Grain state in the embedded store's file: one row per grain and state, written only under the ETag that was read.</summary>
internal sealed class SqliteGrainStorage(SqliteStore store, IGrainStorageSerializer serializer, IActivatorProvider activators)
    : IGrainStorage
{
    /// <inheritdoc/>
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string grain = grainId.ToString();
        StateRow? row = await store
            .ReadAsync(
                session =>
                    session.First(
                        "SELECT etag, state FROM grain_states WHERE name = $name AND grain = $grain",
                        row => new StateRow(row.GetString(0), row.GetFieldValue<byte[]>(1)),
                        ("$name", stateName),
                        ("$grain", grain)
                    ),
                CancellationToken.None
            )
            .ConfigureAwait(false);
        if (row is null)
        {
            Reset(grainState);
            return;
        }

        grainState.State = serializer.Deserialize<T>(new BinaryData(row.State));
        grainState.ETag = row.ETag;
        grainState.RecordExists = true;
    }

    /// <inheritdoc/>
    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string grain = grainId.ToString();
        byte[] state = serializer.Serialize(grainState.State).ToArray();
        string? known = grainState.ETag;
        string etag = await store
            .WriteAsync(
                session =>
                {
                    ThrowIfStale(session, stateName, grain, known);
                    string next = NewETag();
                    session.Execute(
                        """
                        INSERT INTO grain_states (name, grain, etag, state) VALUES ($name, $grain, $etag, $state)
                        ON CONFLICT (name, grain) DO UPDATE SET etag = excluded.etag, state = excluded.state
                        """,
                        ("$name", stateName),
                        ("$grain", grain),
                        ("$etag", next),
                        ("$state", state)
                    );
                    return next;
                },
                CancellationToken.None,
                state.Length
            )
            .ConfigureAwait(false);
        grainState.ETag = etag;
        grainState.RecordExists = true;
    }

    /// <inheritdoc/>
    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string grain = grainId.ToString();
        string? known = grainState.ETag;
        await store
            .WriteAsync(
                session =>
                {
                    ThrowIfStale(session, stateName, grain, known);
                    return session.Execute(
                        "DELETE FROM grain_states WHERE name = $name AND grain = $grain",
                        ("$name", stateName),
                        ("$grain", grain)
                    );
                },
                CancellationToken.None
            )
            .ConfigureAwait(false);
        Reset(grainState);
    }

    private static void ThrowIfStale(SqliteSession session, string stateName, string grain, string? known)
    {
        string? stored = session.First(
            "SELECT etag FROM grain_states WHERE name = $name AND grain = $grain",
            row => row.GetString(0),
            ("$name", stateName),
            ("$grain", grain)
        );
        if (stored != known)
            throw new InconsistentStateException(
                $"The state '{stateName}' of grain {grain} was written by another activation.",
                stored ?? "none",
                known ?? "none"
            );
    }

    /// <summary>A random tag, so that none recurs after the state was cleared and written again.</summary>
    private static string NewETag() => Guid.NewGuid().ToString("N");

    private void Reset<T>(IGrainState<T> grainState)
    {
        grainState.State = activators.GetActivator<T>().Create();
        grainState.ETag = null;
        grainState.RecordExists = false;
    }

    private sealed record StateRow(string ETag, byte[] State);
}
