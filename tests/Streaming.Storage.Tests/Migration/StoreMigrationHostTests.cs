using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Streaming.Storage.Azure;
using Streaming.Storage.Migration;
using Streaming.Storage.Sqlite;
using Streaming.Storage.Tests.Azure;
using Streaming.Storage.Tests.Sqlite;

namespace Streaming.Storage.Tests.Migration;

/// <summary>Grains of a silo on Azure Storage find their states from the embedded store.</summary>
public sealed class StoreMigrationHostTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private MigratedStore _store = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = new MigratedStore(await azurite.GetAsync());

    public ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_grain_finds_its_state_in_the_account_and_writes_it_again()
    {
        string[] keys = ["key-ring", "a/世", "x?y#z \\ %2F"];
        await WriteAsync(EmbeddedSilo(), keys);

        StoreMigrationSummary summary = await _store.MoveAsync(cancellation: Token);

        Assert.Equal(3, summary.States);
        using IHost silo = AzureSilo();
        await silo.StartAsync(Token);
        for (int i = 0; i < keys.Length; i++)
        {
            INoteGrain grain = silo.Services.GetRequiredService<IGrainFactory>().GetGrain<INoteGrain>(keys[i]);
            Assert.Equal(($"{i} written, then left", i), await grain.Read());
            await grain.Write(10 + i);
            Assert.Equal(10 + i, (await grain.Read()).Number);
        }

        await silo.StopAsync(Token);
    }

    [Fact]
    public async Task A_service_with_another_state_of_the_same_grain_is_refused_and_nothing_is_written()
    {
        await WriteAsync(AzureSilo(), ["key-ring", "another"]);
        await WriteAsync(EmbeddedSilo(), ["first", "key-ring"]);
        await _store.OpenTargetAsync(); // Creates the tables, which the copy would otherwise do.
        List<string> before = await _store.VersionsAsync();

        StoreMigrationException refused = await Assert.ThrowsAsync<StoreMigrationException>(() => _store.MoveAsync(cancellation: Token));

        Assert.Contains(
            "another 'note' of grain note/key-ring than this store, so it is another service's",
            refused.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("choose another Streaming:Azure:Prefix", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, await _store.VersionsAsync());
    }

    private static async Task WriteAsync(IHost silo, string[] keys)
    {
        using (silo)
        {
            await silo.StartAsync(Token);
            for (int i = 0; i < keys.Length; i++)
                await silo.Services.GetRequiredService<IGrainFactory>().GetGrain<INoteGrain>(keys[i]).Write(i);
            await silo.StopAsync(Token);
        }
    }

    private IHost EmbeddedSilo() =>
        TestSilo.Build(silo =>
        {
            silo.AddSqliteGrainStorageAsDefault();
            silo.Services.AddSqliteStore(_store.Folder);
        });

    private IHost AzureSilo() => TestSilo.Build(silo => silo.AddAzureGrainStorageAsDefault(_store.Account));
}
