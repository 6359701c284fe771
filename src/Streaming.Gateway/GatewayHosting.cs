using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Gateway.Health;
using Streaming.Gateway.Hub;
using Streaming.Gateway.Identity;
using Streaming.Gateway.Watching;
using Streaming.Hosting.Health;
using Streaming.Hosting.Safety;
using Streaming.Hosting.Settings;

namespace Streaming.Gateway;

/// <summary>
/// Puts the gateway (page, hub, sign-in) into a host: a silo, or an Orleans client. Either brings <see cref="IGrainFactory"/>;
/// the gateway needs nothing else from it.
/// </summary>
public static class GatewayHosting
{
    /// <summary>
    /// Registers the gateway's settings alone. A silo without a gateway knows them too, so that one file of settings serves both.
    /// </summary>
    public static IServiceCollection AddGatewaySettings(this IServiceCollection services)
    {
        services.AddSettings<ChatHubOptions>();
        services.AddSettings<GuestOptions>();
        services.AddSingleton<IValidateOptions<GuestOptions>, GuestOptionsValidation>();
        return services;
    }

    /// <summary>Registers the gateway; its settings are registered with <see cref="AddGatewaySettings"/>.</summary>
    public static IServiceCollection AddGateway(this IServiceCollection services)
    {
        services.AddSingleton<ReadLimiter>();
        services.AddSingleton<ConversationFeeds>();
        services.AddChatHub();
        services.AddGuestSignIn();
        services.AddCors();
        services
            .AddOptions<CorsOptions>()
            .Configure<IOptions<AccessOptions>>(
                (cors, access) =>
                    cors.AddDefaultPolicy(policy =>
                        policy.WithOrigins([.. access.Value.AllowedOrigins]).AllowAnyHeader().AllowAnyMethod().AllowCredentials()
                    )
            );
        services.AddLogging(logging =>
            logging
                // A request's address may carry a token (the hub's access_token), which must not be logged.
                .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning)
                // SignalR logs every refusal as an error with its stack trace; HubErrorFilter logs what is not a refusal.
                .AddFilter("Microsoft.AspNetCore.SignalR.Internal.DefaultHubDispatcher", LogLevel.None)
        );
        services.AddHealthChecks().AddCheck<ClusterHealthCheck>("cluster", tags: [HealthRoutes.ReadyTag]);
        return services;
    }

    /// <summary>Puts the gateway into the host's pipeline: the page, then authentication, then the routes.</summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        app.UseMiddleware<UnbufferedEventStreams>();
        app.UsePage(StaticPage.Folder);
        app.UseRouting();
        app.UseCors();
        app.UseAuthentication();
        app.UseAuthorization();

        app.MapGuestSignIn();
        app.MapChatHub();
        return app;
    }
}
