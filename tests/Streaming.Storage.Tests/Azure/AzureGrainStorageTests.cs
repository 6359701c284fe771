using Azure.Core;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Storage;
using Streaming.Clustering;
using Streaming.Storage.Azure;
using Streaming.Storage.Tests.Grains;

namespace Streaming.Storage.Tests.Azure;

/// <summary>Grain state in blobs, as a silo stores it, keeps the contract.</summary>
public sealed class AzureGrainStorageTests(AzureGrainStorageFixture silo) : GrainStorageContract, IClassFixture<AzureGrainStorageFixture>
{
    public override ValueTask DisposeAsync()
    {
        silo.Faults.Mend();
        return base.DisposeAsync();
    }

    /// <summary>The provider is stateless between calls, so the same silo's stands for another silo's.</summary>
    protected override Task<IGrainStorage> OpenAsync() => Task.FromResult(silo.Storage);

    protected override Task OverwriteAsync(string name, GrainId id, byte[] bytes) =>
        silo.Container.GetBlobClient($"{name}-{id}.json").UploadAsync(BinaryData.FromBytes(bytes), overwrite: true, Token);

    [Fact]
    public async Task A_write_whose_answer_was_lost_is_reported_and_found_by_reading()
    {
        var state = new GrainState<Note> { State = new Note { Number = 1 } };
        await Storage.WriteStateAsync("note", Id("grain"), state);
        state.State.Number = 2;
        silo.Faults.LoseAnswerOf(request => request.Method == RequestMethod.Put);

        // The client retries and is told of another write, which was its own. Orleans ends the activation, and the next one reads.
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("note", Id("grain"), state));

        Assert.Equal(2, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task A_request_that_fails_twice_is_retried()
    {
        int broken = 0;
        silo.Faults.Break(_ => ++broken <= 2);

        await Storage.WriteStateAsync("note", Id("grain"), new GrainState<Note> { State = new Note { Number = 5 } });

        Assert.Equal(3, broken);
        Assert.Equal(5, (await ReadAsync("grain")).State!.Number);
    }

    [Fact]
    public async Task A_missing_container_is_recreated_by_the_next_write()
    {
        await Storage.WriteStateAsync("note", Id("grain"), new GrainState<Note> { State = new Note { Number = 1 } });
        await silo.Container.DeleteAsync(cancellationToken: Token);

        Assert.False((await ReadAsync("grain")).RecordExists);
        await Storage.WriteStateAsync("note", Id("grain"), new GrainState<Note> { State = new Note { Number = 2 } });

        Assert.Equal(2, (await ReadAsync("grain")).State!.Number);
    }
}

/// <summary>One silo on the emulator for all tests of grain state. Faults come from the client's pipeline, inside its retries.</summary>
public sealed class AzureGrainStorageFixture(AzuriteFixture azurite) : IAsyncLifetime
{
    private IHost _silo = null!;

    internal StoreFaults Faults { get; } = new();

    internal BlobContainerClient Container { get; private set; } = null!;

    internal IGrainStorage Storage =>
        _silo.Services.GetRequiredKeyedService<IGrainStorage>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME);

    public async ValueTask InitializeAsync()
    {
        var account = new AzureAccount(
            new AzureSettings { ConnectionString = (await azurite.GetAsync()).ConnectionString, Prefix = AzuriteFixture.NewPrefix() }
        );
        Container = account.Blobs().GetBlobContainerClient(account.ContainerName("grainstate"));
        _silo = TestSilo.Build(silo =>
        {
            silo.AddAzureGrainStorageAsDefault(account);
            silo.Services.Configure<AzureBlobStorageOptions>(
                ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
                o => o.BlobServiceClient = account.Blobs(options => options.AddPolicy(Faults, HttpPipelinePosition.PerRetry))
            );
        });
        await _silo.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.StopAsync();
        _silo.Dispose();
    }
}
