using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Hosting.Http;

namespace Streaming.Gateway.Identity;

/// <summary>Authenticates a request by its token.</summary>
internal sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    GuestTokens tokens,
    ClusterKeyRing keys,
    RefusedTokens refused
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>The scheme's name.</summary>
    public const string SchemeName = "token";

    /// <inheritdoc />
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        string? token,
            identity;
        try
        {
            token = await PresentedToken.ReadAsync(Request, keys);
            if (token is null)
                return AuthenticateResult.NoResult();
            await keys.EnsureReadAsync(Context.RequestAborted);
            identity = tokens.ReadIdentity(token);
        }
        catch (KeysUnavailableException exception)
        {
            return AuthenticateResult.Fail(exception);
        }
        if (identity is null)
        {
            refused.Report(token);
            return AuthenticateResult.Fail("The token is invalid or has expired.");
        }

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
