using System.Globalization;
using Orleans.Storage;

namespace Streaming.Storage.Tests.Grains;

/// <summary>What every grain storage must do, tested through Orleans' interface.</summary>
public abstract class GrainStorageContract : IAsyncLifetime
{
    private const string Name = "note";

    private static int s_kinds;

    // Stores are shared, so each test has its own grain type.
    private readonly string _kind = string.Create(CultureInfo.InvariantCulture, $"note{Interlocked.Increment(ref s_kinds)}");

    protected IGrainStorage Storage { get; private set; } = null!;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The store, opened again.</summary>
    protected abstract Task<IGrainStorage> OpenAsync();

    /// <summary>Overwrites a stored state with other bytes.</summary>
    protected abstract Task OverwriteAsync(string name, GrainId id, byte[] bytes);

    public virtual async ValueTask InitializeAsync() => Storage = await OpenAsync();

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_state_that_was_never_written_is_empty_and_has_no_etag()
    {
        GrainState<Note> read = await ReadAsync("grain");

        Assert.Equal((false, null, 0), (read.RecordExists, read.ETag, read.State!.Number));
    }

    [Fact]
    public async Task A_written_state_is_read_again_also_after_the_store_is_reopened()
    {
        var written = new GrainState<Note>
        {
            State = new Note { Number = 7, Text = "Grüße 世界" },
        };
        await Storage.WriteStateAsync(Name, Id("grain"), written);
        Assert.True(written.RecordExists);

        Storage = await OpenAsync();
        GrainState<Note> read = await ReadAsync("grain");

        Assert.Equal((true, written.ETag, 7, "Grüße 世界"), (read.RecordExists, read.ETag, read.State!.Number, read.State!.Text));
    }

    [Fact]
    public async Task Each_write_has_a_new_etag()
    {
        var state = new GrainState<Note> { State = new Note() };
        var tags = new HashSet<string>();
        for (int i = 0; i < 5; i++)
        {
            await Storage.WriteStateAsync(Name, Id("grain"), state);
            tags.Add(state.ETag!);
        }

        Assert.Equal(5, tags.Count);
    }

    [Fact]
    public async Task A_write_under_a_stale_etag_is_refused_and_changes_nothing()
    {
        var first = new GrainState<Note> { State = new Note { Number = 1 } };
        await Storage.WriteStateAsync(Name, Id("grain"), first);
        GrainState<Note> other = await ReadAsync("grain");
        other.State!.Number = 2;
        await Storage.WriteStateAsync(Name, Id("grain"), other);
        string? staleTag = first.ETag;
        first.State!.Number = 3;

        InconsistentStateException error = await Assert.ThrowsAsync<InconsistentStateException>(() =>
            Storage.WriteStateAsync(Name, Id("grain"), first)
        );

        Assert.Equal(staleTag, error.CurrentEtag);
        Assert.Equal(staleTag, first.ETag);
        Assert.Equal(2, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task One_of_two_first_writes_is_refused()
    {
        await Storage.WriteStateAsync(Name, Id("grain"), new GrainState<Note> { State = new Note { Number = 1 } });

        await Assert.ThrowsAsync<InconsistentStateException>(() =>
            Storage.WriteStateAsync(Name, Id("grain"), new GrainState<Note> { State = new Note { Number = 2 } })
        );

        Assert.Equal(1, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task A_write_after_another_activation_cleared_is_refused()
    {
        var mine = new GrainState<Note> { State = new Note() };
        await Storage.WriteStateAsync(Name, Id("grain"), mine);
        GrainState<Note> theirs = await ReadAsync("grain");
        await Storage.ClearStateAsync(Name, Id("grain"), theirs);

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync(Name, Id("grain"), mine));
    }

    [Fact]
    public async Task Clearing_removes_the_record_and_a_new_one_can_be_written()
    {
        var state = new GrainState<Note> { State = new Note { Number = 7 } };
        await Storage.WriteStateAsync(Name, Id("grain"), state);

        await Storage.ClearStateAsync(Name, Id("grain"), state);

        Assert.Equal((false, null, 0), (state.RecordExists, state.ETag, state.State!.Number));
        Assert.False((await ReadAsync("grain")).RecordExists);
        await Storage.ClearStateAsync(Name, Id("grain"), state);
        await Storage.WriteStateAsync(Name, Id("grain"), state);
        Assert.True((await ReadAsync("grain")).RecordExists);
    }

    [Fact]
    public async Task Clearing_under_a_stale_etag_is_refused()
    {
        var state = new GrainState<Note> { State = new Note { Number = 7 } };
        await Storage.WriteStateAsync(Name, Id("grain"), state);

        await Assert.ThrowsAsync<InconsistentStateException>(() =>
            Storage.ClearStateAsync(Name, Id("grain"), new GrainState<Note> { State = new Note(), ETag = "stale" })
        );

        Assert.Equal(7, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task Keys_of_any_script_stay_distinct()
    {
        string[] keys =
        [
            "a/b",
            "a_b",
            "a b",
            "ключ",
            "鍵",
            "👋",
            "A",
            "a",
            "a'; DROP TABLE grain_states; --",
            "a?b#c\\d%",
            " a",
            "a\u0301",
            "á",
        ];
        for (int i = 0; i < keys.Length; i++)
            await Storage.WriteStateAsync(Name, Id(keys[i]), new GrainState<Note> { State = new Note { Number = i + 1 } });

        for (int i = 0; i < keys.Length; i++)
            Assert.Equal(i + 1, (await ReadAsync(keys[i])).State!.Number);
    }

    [Fact]
    public async Task States_of_one_grain_are_distinct_by_name()
    {
        await Storage.WriteStateAsync(Name, Id("grain"), new GrainState<Note> { State = new Note { Number = 1 } });
        await Storage.WriteStateAsync("other", Id("grain"), new GrainState<Note> { State = new Note { Number = 2 } });

        Assert.Equal(1, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task Concurrent_writes_of_one_state_are_serialised_and_none_is_lost()
    {
        await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(async _ =>
                {
                    for (int written = 0; written < 5; )
                    {
                        GrainState<Note> mine = await ReadAsync("grain");
                        mine.State!.Number++;
                        try
                        {
                            await Storage.WriteStateAsync(Name, Id("grain"), mine);
                            written++;
                        }
                        catch (InconsistentStateException)
                        {
                            // Another writer was first: continue from what it wrote.
                        }
                    }
                })
        );

        Assert.Equal(20, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task A_damaged_state_is_an_error_and_left_unchanged()
    {
        await Storage.WriteStateAsync(Name, Id("grain"), new GrainState<Note> { State = new Note { Number = 7 } });
        await OverwriteAsync(Name, Id("grain"), [0xFF, 0xFE, 0xFD]);

        var read = new GrainState<Note> { State = new Note() };
        await Assert.ThrowsAnyAsync<Exception>(() => Storage.ReadStateAsync(Name, Id("grain"), read));

        Assert.Equal(0, read.State.Number);
        // A grain that starts without its state must not overwrite it.
        await Assert.ThrowsAsync<InconsistentStateException>(() =>
            Storage.WriteStateAsync(Name, Id("grain"), new GrainState<Note> { State = new Note() })
        );
        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync("grain"));
    }

    protected GrainId Id(string key) => GrainId.Create(_kind, key);

    protected async Task<GrainState<Note>> ReadAsync(string key)
    {
        var state = new GrainState<Note>
        {
            State = new Note { Number = -1 },
            ETag = "before",
            RecordExists = true,
        };
        await Storage.ReadStateAsync(Name, Id(key), state);
        return state;
    }
}

/// <summary>A grain's state.</summary>
[GenerateSerializer, Alias("storage-test-note")]
public sealed class Note
{
    [Id(0)]
    public int Number { get; set; }

    [Id(1)]
    public string Text { get; set; } = "";
}
