namespace Streaming.Grains.Upkeep;

/// <summary>What only the service itself asks of a conversation; the key is the conversation's.</summary>
[Alias("conversation-upkeep-grain")]
public interface IConversationUpkeepGrain : IGrainWithStringKey
{
    /// <summary>Erases a hidden conversation for ever; interrupted, it goes on when called again.</summary>
    [Alias("erase")]
    Task Erase();
}
