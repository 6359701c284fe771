using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Streaming.Gateway;

/// <summary>The gateway's settings, in the section <c>Streaming</c>.</summary>
internal sealed class GatewayOptions
{
    /// <summary>The section they are in.</summary>
    public const string Section = "Streaming";

    /// <summary>Host names that requests may name, besides those of this machine itself; without ports.</summary>
    public IReadOnlyList<string> AllowedHosts { get; private set; } = [];

    /// <summary>Origins of other sites whose pages may talk to this one, as <c>https://example.org</c>.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; private set; } = [];

    /// <summary>Whether owners may look into the cache outside of development.</summary>
    public bool InspectCache { get; set; }

    /// <summary>Tokens that one address may ask for in a minute.</summary>
    public int GuestsPerMinute { get; set; } = 300;

    /// <summary>Reads the lists: each is either one text with <c>;</c> between, or a JSON array.</summary>
    public void ReadLists(IConfiguration section)
    {
        AllowedHosts = ReadList(section.GetSection(nameof(AllowedHosts)));
        AllowedOrigins = ReadList(section.GetSection(nameof(AllowedOrigins)));
    }

    private static string[] ReadList(IConfigurationSection section) =>
        [
            .. (section.Value ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            .. section.GetChildren().Select(child => child.Value?.Trim() ?? ""),
        ];
}

/// <summary>Stops the host at start when a setting is wrong; every sentence names its key.</summary>
internal sealed class GatewayOptionsValidation : IValidateOptions<GatewayOptions>
{
    public ValidateOptionsResult Validate(string? name, GatewayOptions options)
    {
        string[] failures =
        [
            .. options
                .AllowedHosts.Where(host => !IsHost(host))
                .Select(host =>
                    $"Streaming:AllowedHosts has '{host}', which is no host name: write names without scheme, port or path, as chat.example.org."
                ),
            .. options
                .AllowedOrigins.Where(origin => !IsOrigin(origin))
                .Select(origin =>
                    $"Streaming:AllowedOrigins has '{origin}', which is no origin: write scheme, host and port only, as https://example.org."
                ),
            .. options.GuestsPerMinute < 1
                ? [$"Streaming:GuestsPerMinute is {options.GuestsPerMinute}: it must be 1 or more."]
                : Array.Empty<string>(),
        ];
        return failures.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static bool IsHost(string host) => Uri.CheckHostName(host) != UriHostNameType.Unknown;

    private static bool IsOrigin(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
        && uri.Scheme is "http" or "https"
        && string.Equals(uri.GetLeftPart(UriPartial.Authority), origin, StringComparison.OrdinalIgnoreCase);
}
