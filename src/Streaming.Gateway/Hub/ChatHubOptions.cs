namespace Streaming.Gateway.Hub;

/// <summary>The hub's settings, in the section <c>Streaming</c>.</summary>
internal sealed class ChatHubOptions
{
    /// <summary>Whether a conversation's owner may ask for the token ids in attention outside of development.</summary>
    public bool InspectCache { get; set; }
}
