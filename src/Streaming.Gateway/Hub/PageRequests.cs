namespace Streaming.Gateway.Hub;

/// <summary>Selects a page of conversations.</summary>
internal sealed record ConversationPageRequest
{
    /// <summary>The <c>next</c> of the page before; null selects the first page.</summary>
    public string? After { get; init; }

    /// <summary>1 to 200; 50 when null.</summary>
    public int? Take { get; init; }
}

/// <summary>Selects a page of turns.</summary>
internal sealed record TurnPageRequest
{
    /// <summary>The <c>next</c> of the page after; null selects the latest page.</summary>
    public long? Before { get; init; }

    /// <summary>1 to 200; 50 when null.</summary>
    public int? Take { get; init; }
}
