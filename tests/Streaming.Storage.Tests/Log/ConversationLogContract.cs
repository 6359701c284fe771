using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>
/// What every store of the log must do, tested through <see cref="IConversationLog"/> alone. A store's tests derive from this
/// class and add what is theirs.
/// </summary>
public abstract partial class ConversationLogContract : IAsyncLifetime
{
    private LogUnderTest _store = null!;

    protected IConversationLog Log => _store.Log;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A new, empty store.</summary>
    protected abstract Task<LogUnderTest> StartAsync();

    public async ValueTask InitializeAsync() => _store = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private async Task<LogHead> HeadAsync(string id = "conversation") =>
        await Log.ReadHeadAsync(id, Token) ?? throw new InvalidOperationException($"{id} has no head.");

    private Task<IReadOnlyList<LogEvent>> EventsAsync(
        long from = 1,
        long to = long.MaxValue,
        int maxRows = 100_000,
        int maxTextBytes = int.MaxValue,
        string id = "conversation"
    ) => Log.ReadEventsAsync(id, from, to, maxRows, maxTextBytes, Token);

    private async Task<IEnumerable<int>> IdsAsync(int branch, long from, long to, string id = "conversation") =>
        await Log.ReadIdsAsync(id, branch, from, to, Token);

    private static IEnumerable<(long First, long Last)> Numbers(IEnumerable<LogEvent> events) => events.Select(e => (e.First, e.Last));
}
