using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
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
    /// <summary>
    /// Settings are read once. Watching their files takes inotify instances, of which a user has 128; ASP.NET aborts when none is left.
    /// </summary>
    private const string WithoutReload = "--hostBuilder:reloadConfigOnChange=false";

    /// <summary>
    /// A builder whose configuration is <c>appsettings.json</c> beside the binary, the environment and the command line, as they are now.
    /// </summary>
    /// <exception cref="SettingsException">A file, an argument or an address is wrong.</exception>
    public static WebApplicationBuilder CreateBuilder(string[] arguments)
    {
        WebApplicationBuilder builder = CreateConfigured(arguments);
        CommandLine.RequireUsable(arguments, builder.Configuration);
        builder.WebHost.ConfigureKestrel((host, kestrel) => kestrel.Configure(host.Configuration.GetSection("Kestrel")));
        builder.Services.AddHosting();
        return builder;
    }

    /// <summary>
    /// Registers the clock (<see cref="ForwardClock"/>), the health checks and the settings of <see cref="AccessOptions"/>.
    /// </summary>
    public static IServiceCollection AddHosting(this IServiceCollection services)
    {
        // A line for each probe of a host that is not ready; the probe's answer says the same.
        services.AddLogging(logging =>
            logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService", LogLevel.None)
        );
        services.TryAddSingleton<TimeProvider>(new ForwardClock(TimeProvider.System));
        services.AddHealthChecks();
        services.AddSettings<AccessOptions>().Configure<IConfiguration>((options, configuration) => options.ReadLists(configuration));
        services.AddSingleton<IValidateOptions<AccessOptions>, AccessOptionsValidation>();
        return services;
    }

    private static WebApplicationBuilder CreateConfigured(string[] arguments)
    {
        try
        {
            return WebApplication.CreateBuilder(
                new WebApplicationOptions { Args = [WithoutReload, .. arguments], ContentRootPath = AppContext.BaseDirectory }
            );
        }
        catch (InvalidDataException e) // from the JSON provider; it names the file, and its cause says where the file is wrong
        {
            string reason = e.GetBaseException().Message.ReplaceLineEndings(" ").TrimEnd('.');
            throw new SettingsException($"{e.Message.TrimEnd('.')} ({reason}): correct the file.", e);
        }
    }

    /// <summary>Puts the checks of requests and the health routes into the pipeline; call it before anything else is mapped.</summary>
    public static WebApplication UseHosting(this WebApplication app)
    {
        app.UseForwardedRequests();
        app.UseMiddleware<SecurityHeaders>();
        app.UseMiddleware<HostAndOrigin>();
        app.MapHealth();
        return app;
    }
}
