using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>A separate store for one test, with the faults that the contract covers.</summary>
public abstract class LogUnderTest : IAsyncDisposable
{
    /// <summary>The log.</summary>
    public abstract IConversationLog Log { get; }

    /// <summary>Conversations of one owner that the store can be filled with in a few seconds.</summary>
    public virtual int ManyConversations => 10_000;

    /// <summary>Closes the store cleanly and opens it again.</summary>
    public abstract Task ReopenAsync();

    /// <summary>Creates empty conversations, the first <paramref name="running"/> of them running, in the quickest way.</summary>
    public abstract Task SeedAsync(IReadOnlyList<NewLog> conversations, int running);

    /// <summary>Overwrites the last row of events and the last row of ids with invalid bytes.</summary>
    public abstract Task SpoilLastRowsAsync(string id);

    /// <summary>An append that the store aborts after writing some of its rows. It throws <see cref="LogUnavailableException"/>.</summary>
    public abstract Task AppendThatFailsHalfwayAsync(string id, LogAppend append);

    /// <summary>A write that takes effect, but whose answer is lost: the caller gets an exception.</summary>
    public abstract Task WithoutAnswerAsync(Func<CancellationToken, Task> write);

    /// <summary>An erasure that the store aborts after erasing some rows and before the head.</summary>
    public abstract Task EraseThatIsInterruptedAsync(string id);

    /// <summary>All columns of a head's row, as text: equal for two calls if nothing wrote the row in between.</summary>
    public abstract Task<string> ReadHeadRowAsync(string id);

    /// <summary>Sets the required version in the head's row, as another program would.</summary>
    public abstract Task RequireVersionAsync(string id, int version);

    public abstract ValueTask DisposeAsync();
}
