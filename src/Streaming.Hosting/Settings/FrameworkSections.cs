using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Streaming.Hosting.Settings;

/// <summary>
/// Checks ASP.NET's own sections, <c>Logging</c> and <c>Kestrel</c>. ASP.NET reads them only when it builds or starts the host, after
/// the slow parts of a start, and aborts with a stack trace.
/// </summary>
internal static class FrameworkSections
{
    private const string Logging = "Logging",
        Kestrel = "Kestrel";

    /// <summary>Refuses values that ASP.NET cannot use.</summary>
    /// <param name="configuration">The host's configuration.</param>
    /// <param name="services">Services of the host, for this check alone.</param>
    /// <exception cref="SettingsException">Names the setting, or what ASP.NET says about it.</exception>
    public static void RequireUsable(IConfiguration configuration, IServiceProvider services)
    {
        CheckLogging(configuration.GetSection(Logging));
        RequireReadable(Logging, () => services.GetRequiredService<ILoggerFactory>());
        CheckFormatter(configuration.GetSection($"{Logging}:Console:FormatterName"), services);
        RequireReadable(
            Kestrel,
            () => services.GetService<IOptions<KestrelServerOptions>>()?.Value.ConfigurationLoader?.Load() // with its certificates
        );
    }

    /// <summary>Checks the levels and time formats of the section and of its providers.</summary>
    private static void CheckLogging(IConfigurationSection section)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (child.Key.Equals("LogLevel", StringComparison.OrdinalIgnoreCase))
                foreach (IConfigurationSection category in child.GetChildren())
                    CheckLevel(category);
            else if (child.Key.Equals("TimestampFormat", StringComparison.OrdinalIgnoreCase))
                CheckTimeFormat(child);
            else
                CheckLogging(child);
        }
    }

    private static void CheckLevel(IConfigurationSection category)
    {
        if (category.Value is not { Length: > 0 } value)
            return;
        if (!Enum.TryParse(value, ignoreCase: true, out LogLevel level) || !Enum.IsDefined(level))
            throw new SettingsException($"{category.Path} is '{value}': it must be {string.Join(" or ", Enum.GetNames<LogLevel>())}.");
    }

    private static void CheckTimeFormat(IConfigurationSection format)
    {
        try
        {
            _ = DateTimeOffset.UnixEpoch.ToString(format.Value, CultureInfo.InvariantCulture);
        }
        catch (FormatException e)
        {
            throw new SettingsException($"{format.Path} is '{format.Value}': it must be a format of .NET, such as HH:mm:ss.", e);
        }
    }

    private static void CheckFormatter(IConfigurationSection formatter, IServiceProvider services)
    {
        string[] known = [.. services.GetServices<ConsoleFormatter>().Select(f => f.Name)];
        if (formatter.Value is { Length: > 0 } name && !known.Contains(name, StringComparer.OrdinalIgnoreCase))
            throw new SettingsException($"{formatter.Path} is '{name}': it must be {string.Join(" or ", known)}.");
    }

    private static void RequireReadable(string section, Action read)
    {
        try
        {
            read();
        }
        catch (Exception e)
            when (e is InvalidOperationException or ArgumentException or FormatException or IOException or CryptographicException)
        {
            throw new SettingsException(
                $"The section {section} cannot be used: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}; correct it.",
                e
            );
        }
    }
}
