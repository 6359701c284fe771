using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Streaming.Gateway.Hub;

/// <summary>Registers the hub.</summary>
internal static class ChatHubServices
{
    /// <summary>
    /// Bytes of one call. A message has 1 MiB of UTF-8 at most, and JSON may write each of its bytes as six
    /// (<c>\u0001</c>), so that every message that is allowed gets through, and one somewhat longer still gets a sentence.
    /// </summary>
    private const long CallBytes = 8L << 20;

    /// <summary>Calls of one connection at a time: a Stop must not wait for a long Send; with <see cref="CallBytes"/> it bounds a connection's memory.</summary>
    private const int ParallelCalls = 4;

    public static IServiceCollection AddChatHub(this IServiceCollection services)
    {
        services.AddSingleton<HubErrorFilter>();
        services
            .AddSignalR(options =>
            {
                options.MaximumReceiveMessageSize = CallBytes;
                options.MaximumParallelInvocationsPerClient = ParallelCalls;
                options.AddFilter<HubErrorFilter>();
            })
            .AddJsonProtocol(options => options.PayloadSerializerOptions = HubJson.Options)
            .AddMessagePackProtocol(options => options.SerializerOptions = HubMessagePack.Options);

        services.RemoveAll<IHubProtocol>();
        services.AddSingleton<IHubProtocol>(provider => new ChatHubProtocol(
            new JsonHubProtocol(provider.GetRequiredService<IOptions<JsonHubProtocolOptions>>())
        ));
        services.AddSingleton<IHubProtocol>(provider => new ChatHubProtocol(
            new MessagePackHubProtocol(provider.GetRequiredService<IOptions<MessagePackHubProtocolOptions>>())
        ));
        return services;
    }
}
