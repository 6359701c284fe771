using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Gateway.Hub;
using Streaming.Hosting.Http;

namespace Streaming.Gateway.Identity;

/// <summary>Authenticates a request by its token.</summary>
internal sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    GuestTokens tokens,
    ClusterKeyRing keys
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>The scheme's name.</summary>
    public const string SchemeName = "token";

    /// <inheritdoc />
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (PresentedToken.Of(Request) is not { } token)
            return AuthenticateResult.NoResult();
        string? identity;
        try
        {
            await keys.EnsureReadAsync(Context.RequestAborted);
            identity = tokens.ReadIdentity(token);
        }
        catch (KeysUnavailableException exception)
        {
            return AuthenticateResult.Fail(exception);
        }
        if (identity is null)
            return AuthenticateResult.Fail("The token is invalid or has expired.");

        var claims = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, identity)], SchemeName);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(claims), SchemeName));
    }

    /// <inheritdoc />
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        // A guest whose token cannot be checked now must keep it: only 401 means that it is invalid.
        AuthenticateResult result = await HandleAuthenticateOnceSafeAsync();
        await (
            result.Failure is KeysUnavailableException
                ? ErrorResponse.WriteAsync(Context, StatusCodes.Status503ServiceUnavailable, ErrorResponse.Unavailable)
                : ErrorResponse.WriteAsync(
                    Context,
                    StatusCodes.Status401Unauthorized,
                    "Sign in first: POST /auth/guest answers a token, and sets it as a cookie."
                )
        );
    }
}

/// <summary>The places of a token in a request.</summary>
internal static class PresentedToken
{
    /// <summary>The cookie.</summary>
    public const string Cookie = "streaming";

    private const string Bearer = "Bearer ";

    /// <summary>
    /// The token of the <c>Authorization</c> header; else, for the hub only, of the query (a browser cannot set headers on a
    /// WebSocket); else of the cookie.
    /// </summary>
    public static string? Of(HttpRequest request)
    {
        string? header = request.Headers.Authorization;
        if (header is not null && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return header[Bearer.Length..].Trim();
        if (request.Path.StartsWithSegments(ChatHub.Path) && request.Query["access_token"] is [{ Length: > 0 } query])
            return query;
        return request.Cookies[Cookie];
    }
}
