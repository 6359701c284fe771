namespace Streaming.Gateway.Hub;

/// <summary>Which page of conversations.</summary>
internal sealed record ConversationPageRequest
{
    /// <summary>A page's <c>next</c>; null is the first page.</summary>
    public string? After { get; init; }

    /// <summary>1 to 200; 50 when null.</summary>
    public int? Take { get; init; }
}

/// <summary>Which page of turns.</summary>
internal sealed record TurnPageRequest
{
    /// <summary>A page's <c>next</c>; null is the latest page.</summary>
    public long? Before { get; init; }

    /// <summary>1 to 200; 50 when null.</summary>
    public int? Take { get; init; }
}
