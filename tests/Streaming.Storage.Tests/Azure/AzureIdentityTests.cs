using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Azurite;
using Streaming.Clustering;
using Streaming.Storage.Azure;
using Streaming.Storage.Snapshots;
using Streaming.Storage.Tests.Log;
using Streaming.Storage.Tests.Sqlite;

namespace Streaming.Storage.Tests.Azure;

/// <summary>An account given by name, with an identity instead of a key: everything is written and read with tokens.</summary>
public sealed class AzureIdentityTests : IAsyncLifetime
{
    private readonly UnsignedIdentity _identity = new();
    private AzuriteProcess _azurite = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _azurite = await AzuriteProcess.StartWithIdentityAsync();

    public ValueTask DisposeAsync() => _azurite.DisposeAsync();

    [Fact]
    public async Task Log_snapshots_and_grain_state_are_written_and_read_with_an_identity()
    {
        AzureAccount account = _identity.Account(_azurite);

        var store = new AzureStore(account, TimeProvider.System, NullLogger<HeadIndex>.Instance);
        await store.OpenAsync(Token);
        TestWriter writer = await TestWriter.CreateAsync(store.Log);
        await writer.AppendAsync(writer.Message("hello"));
        await writer.AppendAsync(writer.Group("a", "b"));
        Assert.Equal(["hello", "ab"], (await store.Log.ReadEventsAsync("conversation", 1, 9, 9, 999, Token)).Select(e => e.Text));
        Assert.Equal(["conversation"], await store.Log.ListRunningAsync(null, 9, Token));

        var snapshots = new AzureSnapshotStore(account);
        await snapshots.OpenAsync(Token);
        var name = new SnapshotName("conversation", 0, 2);
        Assert.True(
            await snapshots.WriteAsync(
                name,
                3,
                (to, token) => to.WriteAsync(new byte[] { 1, 2, 3 }, token).AsTask(),
                _ => Task.FromResult(true),
                Token
            )
        );
        var read = new MemoryStream();
        await using (Stream stored = (await snapshots.OpenAsync(name, Token))!)
            await stored.CopyToAsync(read, Token);
        Assert.Equal([1, 2, 3], read.ToArray());

        await InSiloAsync(
            account,
            async note =>
            {
                await note.Write(7);
                return true;
            }
        );
        Assert.Equal(("7 written, then left", 7), await InSiloAsync(account, note => note.Read()));
        Assert.InRange(_identity.Tokens, 1, 100);
    }

    [Fact]
    public async Task Tokens_for_another_service_are_refused_with_one_sentence()
    {
        var store = new AzureStore(
            new UnsignedIdentity("https://vault.azure.net").Account(_azurite),
            TimeProvider.System,
            NullLogger<HeadIndex>.Instance
        );

        StoreOpenException refused = await Assert.ThrowsAsync<StoreOpenException>(() => store.OpenAsync(Token));

        Assert.Contains("Azure Storage answered 403", refused.Message, StringComparison.Ordinal);
        Assert.Contains("check Streaming:Azure", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<T> InSiloAsync<T>(AzureAccount account, Func<INoteGrain, Task<T>> act)
    {
        using IHost silo = TestSilo.Build(silo => silo.AddAzureGrainStorageAsDefault(account));
        await silo.StartAsync(Token);
        T answer = await act(silo.Services.GetRequiredService<IGrainFactory>().GetGrain<INoteGrain>("note"));
        await silo.StopAsync(Token);
        return answer;
    }
}
