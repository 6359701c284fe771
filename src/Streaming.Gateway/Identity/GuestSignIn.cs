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

/// <summary>Guest sign-in: every visitor has an identity from the first visit on.</summary>
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

        // Data Protection warns that the stored keys are not encrypted. They are in the same store as the conversations that they
        // protect, so the warning at each first start would help nobody.
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
                            "Too many guests from this address: try again in a minute."
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

    /// <summary><c>POST /auth/guest</c>: a new guest, or a new token for the same one.</summary>
    public static void MapGuestSignIn(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/auth/guest", SignInAsync).RequireRateLimiting(RateLimit);

    private static async Task SignInAsync(HttpContext context, GuestTokens tokens, ClusterKeyRing keys)
    {
        string? known;
        try
        {
            await keys.EnsureReadAsync(context.RequestAborted);
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
    /// Data Protection loads its keys synchronously while the host starts. A co-hosted silo can read them only after its start, so
    /// they are loaded for the first guest instead.
    /// </summary>
    private static void RemoveKeyWarmUp(IServiceCollection services)
    {
        ServiceDescriptor warmUp = services.Single(service => service.ImplementationType?.Name == "DataProtectionHostedService");
        services.Remove(warmUp);
    }
}
