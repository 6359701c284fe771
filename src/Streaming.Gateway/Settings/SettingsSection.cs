using System.Collections;
using System.ComponentModel;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Streaming.Gateway.Settings;

/// <summary>
/// Reads the section <c>Streaming</c> of a host's configuration (appsettings.json, environment, command line) and refuses what it
/// does not know: a setting that is misspelt must not be ignored.
/// </summary>
public static class SettingsSection
{
    /// <summary>The section's name.</summary>
    public const string Name = "Streaming";

    /// <summary>Stops at a name that is neither one of the gateway's settings nor one of the host's.</summary>
    /// <exception cref="SettingsException">Names the key and what it may have been meant to be.</exception>
    public static void RequireKnownNames(IConfiguration configuration, Type hostSettings)
    {
        PropertyInfo[] known = [.. PropertiesOf(hostSettings), .. PropertiesOf(typeof(GatewayOptions))];
        foreach (IConfigurationSection child in configuration.GetSection(Name).GetChildren())
            RequireKnownName(child, known);
    }

    /// <summary>Fills a new object from the section.</summary>
    /// <exception cref="SettingsException">A value is not of its setting's type.</exception>
    public static T Bind<T>(IConfiguration configuration)
        where T : new()
    {
        IConfigurationSection section = configuration.GetSection(Name);
        foreach (PropertyInfo property in PropertiesOf(typeof(T)))
            RequireConvertible(section.GetSection(property.Name), property.PropertyType);
        var settings = new T();
        section.Bind(settings);
        return settings;
    }

    private static void RequireConvertible(IConfigurationSection section, Type type)
    {
        Type target = Nullable.GetUnderlyingType(type) ?? type;
        if (section.Value is not { } value || !target.IsValueType || IsConvertible(value, target))
            return;
        string expected =
            target == typeof(bool) ? "true or false"
            : target.IsEnum ? string.Join(" or ", Enum.GetNames(target))
            : "a whole number";
        throw new SettingsException($"{section.Path} is '{value}': it must be {expected}.");
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

    private static void RequireKnownName(IConfigurationSection section, IReadOnlyList<PropertyInfo> properties)
    {
        PropertyInfo? property = properties.FirstOrDefault(p => string.Equals(p.Name, section.Key, StringComparison.OrdinalIgnoreCase));
        if (property is null)
        {
            string known = string.Join(", ", properties.Select(p => p.Name).Order(StringComparer.Ordinal));
            throw new SettingsException($"{section.Path} is not a setting: take one of {known}.");
        }
        Type type = property.PropertyType;
        bool isLeaf = type.IsValueType || type == typeof(string) || typeof(IEnumerable).IsAssignableFrom(type);
        if (isLeaf)
            return;
        foreach (IConfigurationSection child in section.GetChildren())
            RequireKnownName(child, PropertiesOf(type));
    }

    private static PropertyInfo[] PropertiesOf(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance);
}

/// <summary>A setting is wrong; the message is one sentence that names its key.</summary>
public sealed class SettingsException : Exception
{
    /// <summary>Creates the exception.</summary>
    public SettingsException(string message, Exception? inner = null)
        : base(message, inner) { }
}
