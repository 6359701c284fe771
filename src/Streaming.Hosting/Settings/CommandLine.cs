using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Streaming.Hosting.Settings;

/// <summary>
/// Checks a host's command line: ASP.NET ignores arguments that it does not know, and a setting that is misspelt must not be
/// ignored.
/// </summary>
internal static class CommandLine
{
    /// <summary>The first parts of the keys that the command line may set.</summary>
    private static readonly string[] KnownKeys = ["urls", "environment", "Logging", "Kestrel", SettingsSection.Name];

    /// <summary>Refuses arguments and addresses that the host would ignore or misunderstand.</summary>
    /// <exception cref="SettingsException">Names the argument.</exception>
    public static void RequireUsable(IReadOnlyList<string> arguments, IConfiguration configuration)
    {
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            string key = argument.TrimStart('-').Split('=')[0];
            if (
                !argument.StartsWith("--", StringComparison.Ordinal)
                || !KnownKeys.Contains(key.Split(':')[0], StringComparer.OrdinalIgnoreCase)
            )
                throw new SettingsException(
                    $"'{argument}' is not understood: settings are written --{SettingsSection.Name}:Slots=16, "
                        + "the address --urls http://localhost:5080; docs/contracts.md lists the settings."
                );
            if (argument.Contains('=', StringComparison.Ordinal))
                continue;
            i++; // its value
            if (i == arguments.Count || arguments[i].StartsWith("--", StringComparison.Ordinal))
                throw new SettingsException($"'{argument}' has no value: write {argument}=VALUE.");
        }
        foreach (
            string url in (configuration["urls"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        )
            RequireUsableAddress(url, configuration);
    }

    private static void RequireUsableAddress(string url, IConfiguration configuration)
    {
        const string Example = "write it as http://localhost:5080";
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException e)
        {
            throw new SettingsException($"The address '{url}' of --urls is none: {Example}.", e);
        }
        if (address.Port is < 0 or > ushort.MaxValue)
            throw new SettingsException($"The address '{url}' of --urls has no port from 0 to {ushort.MaxValue}: {Example}.");
        if (address.Scheme == Uri.UriSchemeHttps && !configuration.GetSection("Kestrel:Certificates").Exists())
            throw new SettingsException(
                $"The address '{url}' of --urls needs a certificate: set Kestrel:Certificates:Default:Path and "
                    + $":Password, or {Example} behind a proxy that has one."
            );
        bool isOwn = address.Host is "localhost" or "*" or "+" || IPAddress.TryParse(address.Host.Trim('[', ']'), out _);
        if (!isOwn)
            throw new SettingsException(
                $"The address '{url}' of --urls names a host, by which the server would listen on every "
                    + $"interface: {Example}, or http://0.0.0.0:5080 if every interface is meant."
            );
    }
}
