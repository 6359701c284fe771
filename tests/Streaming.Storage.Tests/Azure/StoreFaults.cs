using Azure.Core;
using Azure.Core.Pipeline;
using Request = Azure.Core.Request;

namespace Streaming.Storage.Tests.Azure;

/// <summary>A policy in the client's pipeline that loses answers and drops requests.</summary>
internal sealed class StoreFaults : HttpPipelinePolicy
{
    private Func<Request, bool>? _loses;
    private Func<Request, bool>? _breaks;

    /// <summary>Requests that reached the store.</summary>
    public int Arrived { get; private set; }

    /// <summary>Whether a request is a transaction of several writes.</summary>
    public static bool IsTransaction(Request request) => request.Uri.Path.EndsWith("$batch", StringComparison.Ordinal);

    /// <summary>Loses the answer of the next matching request, after the store has executed it.</summary>
    public void LoseAnswerOf(Func<Request, bool> which) => _loses = which;

    /// <summary>Drops matching requests from now on.</summary>
    public void Break(Func<Request, bool> which) => _breaks = which;

    /// <summary>Ends all faults.</summary>
    public void Mend() => (_loses, _breaks) = (null, null);

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) =>
        throw new NotSupportedException("The log asks without blocking.");

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (_breaks?.Invoke(message.Request) == true)
            throw new IOException("The request did not arrive.");
        await ProcessNextAsync(message, pipeline);
        Arrived++;
        if (_loses?.Invoke(message.Request) != true)
            return;
        _loses = null;
        throw new IOException($"The answer {message.Response.Status} was lost.");
    }
}
