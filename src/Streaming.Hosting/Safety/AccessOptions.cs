using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Streaming.Hosting.Settings;

namespace Streaming.Hosting.Safety;

/// <summary>The hosts and origins that a server answers, settings of the section <c>Streaming</c>.</summary>
public sealed class AccessOptions
{
    /// <summary>Host names, without ports, that requests may name besides those of this machine.</summary>
    public IReadOnlyList<string> AllowedHosts { get; private set; } = [];

    /// <summary>Origins of other sites whose pages may call this server, such as <c>https://example.org</c>.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; private set; } = [];

    /// <summary>
    /// Addresses (<c>10.0.0.1</c>) and networks (<c>10.0.0.0/8</c>) of proxies, whose forwarded headers are believed.
    /// </summary>
    public IReadOnlyList<string> TrustedProxies { get; private set; } = [];

    /// <summary>Reads the lists. Each is one string separated by <c>;</c>, or a JSON array.</summary>
    internal void ReadLists(IConfiguration configuration)
    {
        IConfigurationSection section = configuration.GetSection(SettingsSection.Name);
        AllowedHosts = ReadList(section.GetSection(nameof(AllowedHosts)));
        AllowedOrigins = ReadList(section.GetSection(nameof(AllowedOrigins)));
        TrustedProxies = ReadList(section.GetSection(nameof(TrustedProxies)));
    }

    private static string[] ReadList(IConfigurationSection section) =>
        [
            .. (section.Value ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            .. section.GetChildren().Select(child => child.Value?.Trim() ?? ""),
        ];
}

internal sealed class AccessOptionsValidation : IValidateOptions<AccessOptions>
{
    public ValidateOptionsResult Validate(string? name, AccessOptions options)
    {
        if (options.AllowedHosts.FirstOrDefault(host => !IsHost(host)) is { } host)
            return ValidateOptionsResult.Fail(
                $"Streaming:AllowedHosts has '{host}', which is no host name: write names without scheme, port "
                    + "or path, as chat.example.org."
            );
        if (options.AllowedOrigins.FirstOrDefault(origin => !IsOrigin(origin)) is { } origin)
            return ValidateOptionsResult.Fail(
                $"Streaming:AllowedOrigins has '{origin}', which is no origin: write scheme, host and port only, as https://example.org."
            );
        if (options.TrustedProxies.FirstOrDefault(proxy => !ForwardedRequests.TryParse(proxy, out _)) is { } proxy)
            return ValidateOptionsResult.Fail(
                $"Streaming:TrustedProxies has '{proxy}', which is no address or network: write it as 10.0.0.1 or 10.0.0.0/8."
            );
        return ValidateOptionsResult.Success;
    }

    private static bool IsHost(string host) => Uri.CheckHostName(host) != UriHostNameType.Unknown;

    private static bool IsOrigin(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
        && uri.Scheme is "http" or "https"
        && string.Equals(uri.GetLeftPart(UriPartial.Authority), origin, StringComparison.OrdinalIgnoreCase);
}
