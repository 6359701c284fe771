namespace Streaming.Gateway;

/// <summary>Where things are.</summary>
internal static class GatewayPaths
{
    public const string Hub = "/hubs/chat";

    public const string Live = "/health/live";

    public const string Ready = "/health/ready";
}
