using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;
using Streaming.Storage.Sqlite;

namespace Streaming.Storage.Tests.Sqlite;

/// <summary>Grain state in the store's file.</summary>
public sealed class SqliteGrainStorageTests : IAsyncDisposable
{
    private readonly SqliteLogUnderTest _store = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddSerializer().BuildServiceProvider();

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task A_state_that_was_never_written_is_empty_and_has_no_tag()
    {
        var read = await ReadAsync("grain");

        Assert.Equal((false, null, 0), (read.RecordExists, read.ETag, read.State!.Number));
    }

    [Fact]
    public async Task A_written_state_is_read_again_also_after_reopening()
    {
        var written = new GrainState<Note> { State = new Note { Number = 7, Text = "Grüße 世界" } };
        await Storage.WriteStateAsync("note", Id("grain"), written);
        Assert.True(written.RecordExists);

        await _store.ReopenAsync();
        var read = await ReadAsync("grain");

        Assert.Equal((true, written.ETag, 7, "Grüße 世界"), (read.RecordExists, read.ETag, read.State!.Number, read.State!.Text));
    }

    [Fact]
    public async Task Each_write_has_a_tag_of_its_own()
    {
        var state = new GrainState<Note> { State = new Note() };
        var tags = new HashSet<string>();
        for (var i = 0; i < 5; i++)
        {
            await Storage.WriteStateAsync("note", Id("grain"), state);
            tags.Add(state.ETag!);
        }

        Assert.Equal(5, tags.Count);
    }

    [Fact]
    public async Task A_write_under_a_stale_tag_is_refused_and_changes_nothing()
    {
        var first = new GrainState<Note> { State = new Note { Number = 1 } };
        await Storage.WriteStateAsync("note", Id("grain"), first);
        var other = await ReadAsync("grain");
        other.State!.Number = 2;
        await Storage.WriteStateAsync("note", Id("grain"), other);
        var staleTag = first.ETag;
        first.State!.Number = 3;

        var error = await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("note", Id("grain"), first));

        Assert.Equal((other.ETag, staleTag), (error.StoredEtag, error.CurrentEtag));
        Assert.Equal(staleTag, first.ETag);
        Assert.Equal(2, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task Of_two_first_writes_one_is_refused()
    {
        await Storage.WriteStateAsync("note", Id("grain"), new GrainState<Note> { State = new Note { Number = 1 } });

        await Assert.ThrowsAsync<InconsistentStateException>(() =>
            Storage.WriteStateAsync("note", Id("grain"), new GrainState<Note> { State = new Note { Number = 2 } }));

        Assert.Equal(1, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task A_write_after_somebody_cleared_is_refused()
    {
        var mine = new GrainState<Note> { State = new Note() };
        await Storage.WriteStateAsync("note", Id("grain"), mine);
        var theirs = await ReadAsync("grain");
        await Storage.ClearStateAsync("note", Id("grain"), theirs);

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("note", Id("grain"), mine));
    }

    [Fact]
    public async Task Clearing_removes_the_record_and_a_new_one_can_be_written()
    {
        var state = new GrainState<Note> { State = new Note { Number = 7 } };
        await Storage.WriteStateAsync("note", Id("grain"), state);

        await Storage.ClearStateAsync("note", Id("grain"), state);

        Assert.Equal((false, null, 0), (state.RecordExists, state.ETag, state.State!.Number));
        Assert.False((await ReadAsync("grain")).RecordExists);
        await Storage.ClearStateAsync("note", Id("grain"), state);
        await Storage.WriteStateAsync("note", Id("grain"), state);
        Assert.True((await ReadAsync("grain")).RecordExists);
    }

    [Fact]
    public async Task Clearing_under_a_stale_tag_is_refused()
    {
        var state = new GrainState<Note> { State = new Note { Number = 7 } };
        await Storage.WriteStateAsync("note", Id("grain"), state);

        await Assert.ThrowsAsync<InconsistentStateException>(() =>
            Storage.ClearStateAsync("note", Id("grain"), new GrainState<Note> { State = new Note(), ETag = "stale" }));

        Assert.Equal(7, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task Any_key_has_a_state_of_its_own()
    {
        string[] keys = ["a/b", "a_b", "a b", "ключ", "鍵", "👋", "A", "a", "a'; DROP TABLE grain_states; --", "a?b#c\\d%", " a", "a\u0301", "á"];
        for (var i = 0; i < keys.Length; i++)
            await Storage.WriteStateAsync("note", Id(keys[i]), new GrainState<Note> { State = new Note { Number = i + 1 } });

        for (var i = 0; i < keys.Length; i++)
            Assert.Equal(i + 1, (await ReadAsync(keys[i])).State!.Number);
    }

    [Fact]
    public async Task States_of_one_grain_are_apart_by_name()
    {
        await Storage.WriteStateAsync("note", Id("grain"), new GrainState<Note> { State = new Note { Number = 1 } });
        await Storage.WriteStateAsync("other", Id("grain"), new GrainState<Note> { State = new Note { Number = 2 } });

        Assert.Equal(1, (await ReadAsync("grain")).State!.Number);
    }

    private SqliteGrainStorage Storage => new(
        _store.Store,
        new OrleansGrainStorageSerializer(_services.GetRequiredService<Serializer>()),
        _services.GetRequiredService<IActivatorProvider>());

    private static GrainId Id(string key) => GrainId.Create("note", key);

    private async Task<GrainState<Note>> ReadAsync(string key)
    {
        var state = new GrainState<Note> { State = new Note { Number = -1 }, ETag = "before", RecordExists = true };
        await Storage.ReadStateAsync("note", Id(key), state);
        return state;
    }
}

/// <summary>A grain's state.</summary>
[GenerateSerializer, Alias("storage-test-note")]
public sealed class Note
{
    [Id(0)] public int Number { get; set; }

    [Id(1)] public string Text { get; set; } = "";
}
