using System.Collections;
using System.ComponentModel;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Streaming.Hosting.Settings;

/// <summary>
/// The section <c>Streaming</c> of a host's configuration (appsettings.json, environment, command line), which all parts of the
/// host share. Unknown names are refused: a misspelt setting must not be ignored.
/// </summary>
public static class SettingsSection
{
    /// <summary>The section's name.</summary>
    public const string Name = "Streaming";

    /// <summary>Registers settings of the section. Their <see cref="IValidateOptions{TOptions}"/> run when the host starts.</summary>
    public static OptionsBuilder<T> AddSettings<T>(this IServiceCollection services)
        where T : class
    {
        services.AddSingleton(new SettingsType(typeof(T)));
        return services.AddOptions<T>().BindConfiguration(Name).ValidateOnStart();
    }

    /// <summary>
    /// Checks all settings that are registered so far and returns one of them. Hosts call it before they do anything slow or lasting.
    /// </summary>
    /// <exception cref="SettingsException">A name is unknown, or a value is not of its setting's type.</exception>
    /// <exception cref="OptionsValidationException">A value is out of range.</exception>
    public static T ReadSettings<T>(this WebApplicationBuilder builder)
        where T : class
    {
        // Not disposed: that would dispose the builder's configuration too.
        ServiceProvider provider = builder.Services.BuildServiceProvider();
        PropertyInfo[] known = [.. provider.GetServices<SettingsType>().SelectMany(settings => PropertiesOf(settings.Type)).Distinct()];
        foreach (IConfigurationSection setting in builder.Configuration.GetSection(Name).GetChildren())
            Check(setting, known);
        provider.GetRequiredService<IStartupValidator>().Validate();
        return provider.GetRequiredService<IOptions<T>>().Value;
    }

    private static void Check(IConfigurationSection setting, IReadOnlyList<PropertyInfo> known)
    {
        PropertyInfo? property = known.FirstOrDefault(p => string.Equals(p.Name, setting.Key, StringComparison.OrdinalIgnoreCase));
        if (property is null)
        {
            string names = string.Join(", ", known.Select(p => p.Name).Order(StringComparer.Ordinal));
            throw new SettingsException($"{setting.Path} is not a setting: take one of {names}.");
        }
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type.IsValueType)
            RequireConvertible(setting, type);
        else if (type != typeof(string) && !typeof(IEnumerable).IsAssignableFrom(type))
            foreach (IConfigurationSection child in setting.GetChildren())
                Check(child, PropertiesOf(type));
    }

    private static void RequireConvertible(IConfigurationSection setting, Type type)
    {
        if (setting.Value is not { } value || IsConvertible(value, type))
            return;
        string expected =
            type == typeof(bool) ? "true or false"
            : type.IsEnum ? string.Join(" or ", Enum.GetNames(type))
            : "a whole number";
        throw new SettingsException($"{setting.Path} is '{value}': it must be {expected}.");
    }

    private static bool IsConvertible(string value, Type type)
    {
        try
        {
            return TypeDescriptor.GetConverter(type).ConvertFromInvariantString(value) is not null;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or NotSupportedException)
        {
            return false;
        }
    }

    private static PropertyInfo[] PropertiesOf(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance);

    /// <summary>A type whose properties are settings.</summary>
    private sealed record SettingsType(Type Type);
}
