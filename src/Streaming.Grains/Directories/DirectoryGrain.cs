using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Grains.Directories;

/// <summary>Reads an owner's index; has no state.</summary>
[GrainType("directory"), StatelessWorker]
internal sealed class DirectoryGrain(IConversationLog log) : Grain, IDirectoryGrain
{
    /// <inheritdoc/>
    public async Task<ConversationPage> List(string? after, int? take)
    {
        try
        {
            return await log.ListOwnedAsync(this.GetPrimaryKeyString(), after, RequestRules.Take(take));
        }
        catch (ArgumentException)
        {
            throw RequestRefusedException.Invalid("after is not a page's next: pass the next of the page before, or leave it out.");
        }
    }
}
