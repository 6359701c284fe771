using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>A store of its own for one test, with the faults that the contract is about.</summary>
public abstract class LogUnderTest : IAsyncDisposable
{
    /// <summary>The log.</summary>
    public abstract IConversationLog Log { get; }

    /// <summary>Closes the store in good order and opens it again.</summary>
    public abstract Task ReopenAsync();

    /// <summary>Conversations without a word, the first so many of which say that they run; in whatever way is quick.</summary>
    public abstract Task SeedAsync(IReadOnlyList<NewLog> conversations, int running);

    /// <summary>Puts bytes that mean nothing in the place of the last events' row, and of the last ids'.</summary>
    public abstract Task SpoilLastRowsAsync(string id);

    /// <summary>An append that the store breaks off after some of its rows were written: throws <see cref="LogUnavailableException"/>.</summary>
    public abstract Task AppendThatFailsHalfwayAsync(string id, LogAppend append);

    /// <summary>A write that takes effect, but whose answer does not arrive: the caller sees an exception.</summary>
    public abstract Task WithoutAnswerAsync(Func<CancellationToken, Task> write);

    /// <summary>An erasure that the store breaks off after some rows have gone and before the head has.</summary>
    public abstract Task EraseThatIsInterruptedAsync(string id);

    /// <summary>Everything in a conversation's row of the head, as text; two are equal if nothing wrote it between them.</summary>
    public abstract Task<string> ReadHeadRowAsync(string id);

    /// <summary>Sets the required version in the head's row, as another program would.</summary>
    public abstract Task RequireVersionAsync(string id, int version);

    public abstract ValueTask DisposeAsync();
}
