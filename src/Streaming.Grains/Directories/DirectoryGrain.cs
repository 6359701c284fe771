using Orleans.Concurrency;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Grains.Directories;

/// <summary>Reads an owner's index; holds nothing.</summary>
[GrainType("directory"), StatelessWorker]
internal sealed class DirectoryGrain(IConversationLog log) : Grain, IDirectoryGrain
{
    private const int DefaultTake = 50;
    private const int MaxTake = 200;

    /// <inheritdoc/>
    public async Task<ConversationPage> List(string? after, int? take)
    {
        if (take is < 1 or > MaxTake)
            throw Validation.Invalid($"take is {take}; it must be 1 to {MaxTake}.");
        try
        {
            return await log.ListOwnedAsync(this.GetPrimaryKeyString(), after, take ?? DefaultTake);
        }
        catch (ArgumentException)
        {
            throw Validation.Invalid("after is not a page's next: pass what the page before answered, or leave it out.");
        }
    }
}
