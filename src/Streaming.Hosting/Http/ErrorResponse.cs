using Microsoft.AspNetCore.Http;

namespace Streaming.Hosting.Http;

/// <summary>How routes report errors: <c>{ "error": { "message": "one sentence" } }</c>.</summary>
public static class ErrorResponse
{
    /// <summary>The sentence for a cluster that does not answer.</summary>
    public const string Unavailable = "The service is starting or cannot be reached: try again in a moment.";

    /// <summary>Answers with a status and a sentence.</summary>
    public static Task WriteAsync(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new Body(new Error(sentence)), WireJson.Options);
    }

    private sealed record Body(Error Error);

    private sealed record Error(string Message);
}
