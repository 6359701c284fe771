using System.Globalization;
using Streaming.Azurite;
using Streaming.Storage.Tests.Azure;

[assembly: AssemblyFixture(typeof(AzuriteFixture))]

namespace Streaming.Storage.Tests.Azure;

/// <summary>One emulator for all tests of this process, started by the first that needs it.</summary>
public sealed class AzuriteFixture : IAsyncDisposable
{
    private static int s_names;

    private readonly Lazy<Task<AzuriteProcess>> _azurite = new(() => AzuriteProcess.StartInMemoryAsync());

    /// <summary>The emulator.</summary>
    public Task<AzuriteProcess> GetAsync() => _azurite.Value;

    /// <summary>A unique prefix of tables and containers.</summary>
    public static string NewPrefix() => string.Create(CultureInfo.InvariantCulture, $"test{Interlocked.Increment(ref s_names)}");

    public async ValueTask DisposeAsync()
    {
        if (_azurite.IsValueCreated)
            await (await _azurite.Value).DisposeAsync();
    }
}
