using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Streaming.Hosting.Health;
using Streaming.Hosting.Safety;
using Streaming.Hosting.Settings;

namespace Streaming.Hosting;

/// <summary>
/// What every host has: settings that are checked before it starts, health routes, and checks of each request's host and origin.
/// </summary>
public static class WebHosting
{
    /// <summary>A builder whose configuration is <c>appsettings.json</c> beside the binary, the environment and the command line.</summary>
    /// <exception cref="SettingsException">An argument or an address is wrong.</exception>
    public static WebApplicationBuilder CreateBuilder(string[] arguments)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { Args = arguments, ContentRootPath = AppContext.BaseDirectory }
        );
        CommandLine.RequireUsable(arguments, builder.Configuration);
        builder.Services.AddHosting();
        return builder;
    }

    /// <summary>Registers the clock, the health checks and the settings of <see cref="AccessOptions"/>.</summary>
    public static IServiceCollection AddHosting(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddHealthChecks();
        services.AddSettings<AccessOptions>().Configure<IConfiguration>((options, configuration) => options.ReadLists(configuration));
        services.AddSingleton<IValidateOptions<AccessOptions>, AccessOptionsValidation>();
        return services;
    }

    /// <summary>Puts the checks of requests and the health routes into the pipeline; call it before anything else is mapped.</summary>
    public static WebApplication UseHosting(this WebApplication app)
    {
        app.UseMiddleware<SecurityHeaders>();
        app.UseMiddleware<HostAndOrigin>();
        app.MapHealth();
        return app;
    }
}
