using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;
using Streaming.Storage.Sqlite;
using Streaming.Storage.Tests.Grains;

namespace Streaming.Storage.Tests.Sqlite;

/// <summary>Grain state in the embedded store's file keeps the contract.</summary>
public sealed class SqliteGrainStorageTests : GrainStorageContract
{
    private readonly SqliteLogUnderTest _store = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddSerializer().BuildServiceProvider();

    public override async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _store.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override async Task<IGrainStorage> OpenAsync()
    {
        await _store.ReopenAsync();
        return new SqliteGrainStorage(
            _store.Store,
            new OrleansGrainStorageSerializer(_services.GetRequiredService<Serializer>()),
            _services.GetRequiredService<IActivatorProvider>()
        );
    }

    protected override Task OverwriteAsync(string name, GrainId id, byte[] bytes) =>
        _store.Store.WriteAsync(
            session =>
                session.Execute(
                    "UPDATE grain_states SET state = $state WHERE name = $name AND grain = $grain",
                    ("$state", bytes),
                    ("$name", name),
                    ("$grain", id.ToString())
                ),
            Token
        );
}
