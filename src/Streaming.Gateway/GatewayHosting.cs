using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Gateway.Health;
using Streaming.Gateway.Hub;
using Streaming.Gateway.Identity;
using Streaming.Gateway.Safety;
using Streaming.Gateway.Watching;

namespace Streaming.Gateway;

/// <summary>
/// Puts the gateway (page, hub, sign-in, health) into a host: one with a silo in it, or one that is an Orleans client.
/// Either brings <see cref="IGrainFactory"/>; the gateway needs nothing else from it.
/// </summary>
public static class GatewayHosting
{
    /// <summary>
    /// Registers the gateway. Hosts may add health checks of their own with the tag <c>ready</c>: <c>/health/ready</c> waits for all.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The host's configuration; the settings are in its section <c>Streaming</c>.</param>
    public static IServiceCollection AddGateway(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddHealthOnly(configuration);
        services.AddSingleton<ConversationFeeds>();
        services.AddChatHub();
        services.AddGuestSignIn();
        services.AddCors();
        services
            .AddOptions<CorsOptions>()
            .Configure<IOptions<GatewayOptions>>(
                (cors, gateway) =>
                    cors.AddDefaultPolicy(policy =>
                        policy.WithOrigins([.. gateway.Value.AllowedOrigins]).AllowAnyHeader().AllowAnyMethod().AllowCredentials()
                    )
            );
        services.AddLogging(logging =>
            logging
                // A request's address may carry a token (the hub's access_token): it must not stand in a log.
                .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning)
                // Logs every refusal as an error with its stack; what is more than a refusal HubFailures logs.
                .AddFilter("Microsoft.AspNetCore.SignalR.Internal.DefaultHubDispatcher", LogLevel.None)
        );
        services.AddHealthChecks().AddCheck<ClusterHealthCheck>("cluster", tags: [HealthRoutes.ReadyTag]);
        return services;
    }

    /// <summary>Registers <c>/health/live</c> and <c>/health/ready</c> alone, for a silo whose gateways are elsewhere.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The host's configuration.</param>
    public static IServiceCollection AddHealthOnly(this IServiceCollection services, IConfiguration configuration)
    {
        IConfigurationSection section = configuration.GetSection(GatewayOptions.Section);
        services.AddOptions<GatewayOptions>().Bind(section).Configure(options => options.ReadLists(section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptionsValidation>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddHealthChecks();
        return services;
    }

    /// <summary>Puts the health routes alone into the host's pipeline.</summary>
    public static WebApplication MapHealthOnly(this WebApplication app)
    {
        app.UseMiddleware<SecurityHeaders>();
        app.UseMiddleware<HostAndOrigin>();
        app.MapHealth();
        return app;
    }

    /// <summary>Puts the gateway into the host's pipeline: checks first, then the page, then who asks, then what is asked.</summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        app.UseMiddleware<SecurityHeaders>();
        app.UseMiddleware<HostAndOrigin>();
        app.UsePage(PageFiles.Folder);
        app.UseRouting();
        app.UseCors();
        app.UseRateLimiter();
        app.UseAuthentication();
        app.UseAuthorization();

        app.MapHealth();
        app.MapGuestSignIn();
        app.MapHub<ChatHub>(GatewayPaths.Hub);
        return app;
    }
}
