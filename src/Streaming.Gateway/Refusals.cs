using Microsoft.AspNetCore.Http;
using Streaming.Gateway.Hub;

namespace Streaming.Gateway;

/// <summary>How routes refuse: <c>{ "error": { "message": "one sentence" } }</c>.</summary>
internal static class Refusals
{
    /// <summary>The sentence for a cluster that does not answer.</summary>
    public const string Unavailable = "The service is starting or cannot be reached: try again in a moment.";

    /// <summary>Answers with a status and a sentence.</summary>
    public static Task WriteAsync(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new Answer(new Error(sentence)), HubJson.Options);
    }

    private sealed record Answer(Error Error);

    private sealed record Error(string Message);
}
