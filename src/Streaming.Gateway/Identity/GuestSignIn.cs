using System.Diagnostics;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Streaming.Hosting.Http;

namespace Streaming.Gateway.Identity;

/// <summary>Guest sign-in: every visitor has an identity from the first visit on.</summary>
internal static class GuestSignIn
{
    public static IServiceCollection AddGuestSignIn(this IServiceCollection services)
    {
        services.AddSingleton<ClusterKeyRing>();
        services.AddSingleton<GuestTokens>();
        services.AddSingleton<GuestLimit>();
        services.AddSingleton<RefusedTokens>();
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
            logging
                .AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error)
                // ASP.NET logs two lines for each request with a refused token; RefusedTokens logs one.
                .AddFilter(typeof(TokenAuthentication).FullName, LogLevel.Warning)
        );
        return services;
    }

    /// <summary><c>POST /auth/guest</c>: a new guest, or a new token for the same one.</summary>
    public static void MapGuestSignIn(this IEndpointRouteBuilder endpoints) => endpoints.MapPost("/auth/guest", SignInAsync);

    private static async Task SignInAsync(HttpContext context, GuestTokens tokens, ClusterKeyRing keys, GuestLimit limit)
    {
        string? identity;
        try
        {
            string? presented = await PresentedToken.ReadAsync(context.Request, keys);
            await keys.EnsureReadAsync(context.RequestAborted);
            identity = presented is null ? null : tokens.ReadIdentityForRenewal(presented);
        }
        catch (KeysUnavailableException)
        {
            await ErrorResponse.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, ErrorResponse.Unavailable);
            return;
        }
        if (identity is null && !limit.TryAdmit(context.Connection.RemoteIpAddress))
        {
            context.Response.Headers.RetryAfter = "60";
            await ErrorResponse.WriteAsync(
                context,
                StatusCodes.Status429TooManyRequests,
                "Too many guests from this address: try again in a minute."
            );
            return;
        }
        GuestToken token = tokens.Issue(identity ?? GuestTokens.NewIdentity());
        await SetCookieAsync(context, token, keys);
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsJsonAsync(token, WireJson.Options);
    }

    /// <summary>
    /// Sets the cookie, for as long as its token can be renewed. The shared cookie of older versions stays: a gateway of an older
    /// version in the same cluster, during an upgrade, reads that one alone.
    /// </summary>
    private static async Task SetCookieAsync(HttpContext context, GuestToken token, ClusterKeyRing keys)
    {
        string ring =
            await keys.ReadIdAsync(context.RequestAborted)
            ?? throw new UnreachableException("The ring has the key that has just sealed a token.");
        context.Response.Cookies.Append(
            PresentedToken.CookieOf(ring),
            token.Token,
            new CookieOptions
            {
                HttpOnly = true,
                SameSite = SameSiteMode.Lax,
                Secure = context.Request.IsHttps,
                Expires = token.ExpiresAt + GuestTokens.RenewalGrace,
                Path = "/",
            }
        );
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
