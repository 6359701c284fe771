using Microsoft.AspNetCore.Builder;
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
    /// The largest call, in bytes. A message has at most 1 MiB of UTF-8, and JSON may escape each byte as six (<c>\u0001</c>). So
    /// every allowed message gets through, and one that is somewhat too long is still refused with a sentence.
    /// </summary>
    private const long CallBytes = 8L << 20;

    /// <summary>The largest request, in bytes: a client may send a call and the beginning of the next one together.</summary>
    private const long RequestBytes = CallBytes + (1L << 20);

    /// <summary>
    /// Concurrent calls of one connection: a Stop must not wait for a long Send. With <see cref="CallBytes"/> it bounds the memory
    /// of a connection.
    /// </summary>
    private const int ParallelCalls = 4;

    public static IServiceCollection AddChatHub(this IServiceCollection services)
    {
        services.AddSingleton<HubErrorFilter>();
        services.AddSingleton<ConnectionOwners>();
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

    /// <summary>Maps the hub; each of its connections belongs to the guest who opened it.</summary>
    public static void MapChatHub(this WebApplication app)
    {
        app.UseWhen(
            context => context.Request.Path.StartsWithSegments(ChatHub.Path),
            hub => hub.UseMiddleware<RequestSize>(RequestBytes).UseMiddleware<ConnectionOwnership>()
        );
        app.MapConnections(ChatHub.Path, app.Services.GetRequiredService<ConnectionOwners>().Track).RequireAuthorization();
    }
}
