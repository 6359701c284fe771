using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Hosting.Http;

namespace Streaming.Gateway.Identity;

/// <summary>Guests: everybody is somebody from the first visit on.</summary>
internal static class GuestSignIn
{
    private const string RateLimit = "guest";

    public static IServiceCollection AddGuestSignIn(this IServiceCollection services)
    {
        services.AddSingleton<ClusterKeyRing>();
        services.AddSingleton<GuestTokens>();
        services.AddDataProtection().SetApplicationName("Streaming.Gateway");
        services.AddOptions<KeyManagementOptions>().Configure<ClusterKeyRing>((options, ring) => options.XmlRepository = ring);
        services
            .AddAuthentication(TokenAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.SchemeName, configureOptions: null);
        services.AddAuthorization();
        RemoveKeyWarmUp(services);

        // The keys lie beside the conversations that they guard, in the cluster's own store, so Data Protection's
        // warning that nothing encrypts them there once more would come at every first start and help nobody.
        services.AddLogging(logging =>
            logging.AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error)
        );

        services.AddRateLimiter(_ => { });
        services
            .AddOptions<RateLimiterOptions>()
            .Configure<IOptions<GuestOptions>>(
                (limits, gateway) =>
                {
                    limits.OnRejected = async (context, _) =>
                    {
                        context.HttpContext.Response.Headers.RetryAfter = "60";
                        await ErrorResponse.WriteAsync(
                            context.HttpContext,
                            StatusCodes.Status429TooManyRequests,
                            "Too many guests came from this address: try again in a minute."
                        );
                    };
                    limits.AddPolicy(
                        RateLimit,
                        context =>
                            RateLimitPartition.GetFixedWindowLimiter(
                                context.Connection.RemoteIpAddress?.ToString() ?? "",
                                _ => new FixedWindowRateLimiterOptions
                                {
                                    PermitLimit = gateway.Value.GuestsPerMinute,
                                    Window = TimeSpan.FromMinutes(1),
                                }
                            )
                    );
                }
            );
        return services;
    }

    /// <summary><c>POST /auth/guest</c>: a new guest, or the same one with a token that lasts longer.</summary>
    public static void MapGuestSignIn(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/auth/guest", SignInAsync).RequireRateLimiting(RateLimit);

    private static async Task SignInAsync(HttpContext context, GuestTokens tokens, ClusterKeyRing keys)
    {
        string? known;
        try
        {
            await keys.ReachAsync(context.RequestAborted);
            known = PresentedToken.Of(context.Request) is { } presented ? tokens.ReadIdentity(presented) : null;
        }
        catch (KeysUnavailableException)
        {
            await ErrorResponse.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, ErrorResponse.Unavailable);
            return;
        }
        GuestToken token = tokens.Issue(known ?? GuestTokens.NewIdentity());
        context.Response.Cookies.Append(
            PresentedToken.Cookie,
            token.Token,
            new CookieOptions
            {
                HttpOnly = true,
                SameSite = SameSiteMode.Lax,
                Secure = context.Request.IsHttps,
                Expires = token.ExpiresAt,
                Path = "/",
            }
        );
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsJsonAsync(token, WireJson.Options);
    }

    /// <summary>
    /// Data Protection loads its keys while the host starts, and blocks there. These keys are in the cluster, which a
    /// co-hosted silo only becomes after its start: they are loaded when the first guest comes.
    /// </summary>
    private static void RemoveKeyWarmUp(IServiceCollection services)
    {
        ServiceDescriptor warmUp = services.Single(service => service.ImplementationType?.Name == "DataProtectionHostedService");
        services.Remove(warmUp);
    }
}
