using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Streaming.Storage.Log;
using Streaming.Storage.Sqlite;
using Streaming.Storage.Tests.Grains;

namespace Streaming.Storage.Tests.Sqlite;

/// <summary>The store in a real host with a real silo.</summary>
public sealed class SqliteHostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_store_closes_after_the_silo_so_that_a_grain_can_write_while_it_deactivates()
    {
        using (IHost host = SiloHost())
        {
            await host.StartAsync(Token);
            await host.Services.GetRequiredService<IGrainFactory>().GetGrain<INoteGrain>("a/世").Write(42);
            await host
                .Services.GetRequiredService<IConversationLog>()
                .CreateAsync(new NewLog("conversation", "owner", null, DateTimeOffset.UnixEpoch), Token);
            await host.StopAsync(Token);
        }

        using (IHost host = SiloHost())
        {
            await host.StartAsync(Token);
            Assert.Equal(
                ("42 written, then left", 42),
                await host.Services.GetRequiredService<IGrainFactory>().GetGrain<INoteGrain>("a/世").Read()
            );
            Assert.NotNull(await host.Services.GetRequiredService<IConversationLog>().ReadHeadAsync("conversation", Token));
            await host.StopAsync(Token);
        }
    }

    [Fact]
    public async Task A_folder_in_use_stops_a_second_host_with_one_sentence()
    {
        using IHost first = SmallHost();
        await first.StartAsync(Token);
        using IHost second = SmallHost();

        StoreOpenException error = await Assert.ThrowsAsync<StoreOpenException>(() => second.StartAsync(Token));

        Assert.Contains($"The data folder {_folder.Path} is in use by another host", error.Message, StringComparison.Ordinal);
        await first.StopAsync(Token);
        using IHost third = SmallHost();
        await third.StartAsync(Token);
        await third.StopAsync(Token);
    }

    [Fact]
    public async Task The_log_says_that_it_is_not_open_before_the_host_starts()
    {
        using IHost host = SmallHost();

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            host.Services.GetRequiredService<IConversationLog>().ReadHeadAsync("c", Token)
        );

        Assert.Equal("The store is not open yet; it opens when the host starts.", error.Message);
    }

    private IHost SmallHost()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddLogging().AddSqliteStore(_folder.Path);
        return builder.Build();
    }

    // The silo is registered first: in any order, the store opens before it and closes after it.
    private IHost SiloHost() => TestSilo.Build(silo => silo.AddSqliteGrainStorageAsDefault().Services.AddSqliteStore(_folder.Path));
}

/// <summary>A grain that writes its state when asked, and again when it deactivates.</summary>
[Alias("storage-test-note-grain")]
public interface INoteGrain : IGrainWithStringKey
{
    [Alias("write")]
    Task Write(int number);

    [Alias("read")]
    Task<(string Text, int Number)> Read();
}

internal sealed class NoteGrain([PersistentState("note")] IPersistentState<Note> note) : Grain, INoteGrain
{
    public Task Write(int number)
    {
        note.State.Number = number;
        note.State.Text = $"{number} written";
        return note.WriteStateAsync();
    }

    public Task<(string Text, int Number)> Read() => Task.FromResult((note.State.Text, note.State.Number));

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        note.State.Text += ", then left";
        return note.WriteStateAsync(cancellationToken);
    }
}
