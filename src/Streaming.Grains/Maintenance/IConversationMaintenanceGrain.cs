namespace Streaming.Grains.Maintenance;

/// <summary>Calls that only the service itself makes to a conversation; the key is the conversation's.</summary>
// The stored name; see StoredNamesTests.
[Alias("conversation-upkeep-grain")]
public interface IConversationMaintenanceGrain : IGrainWithStringKey
{
    /// <summary>Erases a hidden conversation for ever; if it was interrupted, calling it again completes it.</summary>
    [Alias("erase")]
    Task Erase();
}
