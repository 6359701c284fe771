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
    /// <exception cref="SettingsException">
    /// A name is unknown, a value is not of its setting's type, or ASP.NET cannot use its own sections.
    /// </exception>
    /// <exception cref="OptionsValidationException">A value is out of range.</exception>
    public static T ReadSettings<T>(this WebApplicationBuilder builder)
        where T : class
    {
        // Not disposed: that would dispose the builder's configuration too.
        ServiceProvider provider = builder.Services.BuildServiceProvider();
        PropertyInfo[] known = [.. provider.GetServices<SettingsType>().SelectMany(settings => PropertiesOf(settings.Type)).Distinct()];
        foreach (IConfigurationSection setting in builder.Configuration.GetSection(Name).GetChildren())
            Check(setting, known);
        FrameworkSections.RequireUsable(builder.Configuration, provider);
        provider.GetRequiredService<IStartupValidator>().Validate();
        return provider.GetRequiredService<IOptions<T>>().Value;
    }

    private static void Check(IConfigurationSection setting, IReadOnlyList<PropertyInfo> known)
    {
        PropertyInfo? property = known.FirstOrDefault(p => string.Equals(p.Name, setting.Key, StringComparison.OrdinalIgnoreCase));
        if (property is null)
        {
            throw new SettingsException($"{setting.Path} is not a setting: take one of {NamesOf(known)}.");
        }
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        bool isList = type != typeof(string) && typeof(IEnumerable).IsAssignableFrom(type);
        if (isList)
            CheckList(setting, isOneValueAllowed: property.SetMethod is not { IsPublic: true }); // then the owner reads it
        else if (type.IsValueType || type == typeof(string))
            CheckValue(setting, type);
        else
            CheckGroup(setting, type);
    }

    private static void CheckValue(IConfigurationSection setting, Type type)
    {
        if (setting.GetChildren().FirstOrDefault() is { } child)
            throw new SettingsException($"{child.Path} is not a setting: {setting.Path} is one value.");
        if (type.IsValueType)
            RequireConvertible(setting, type);
    }

    private static void CheckList(IConfigurationSection setting, bool isOneValueAllowed)
    {
        if (!isOneValueAllowed && setting.Value is { Length: > 0 } value)
            throw new SettingsException($"{setting.Path} is a list: write {setting.Path}:0={value}, {setting.Path}:1=... instead.");
        foreach (IConfigurationSection item in setting.GetChildren())
            CheckValue(item, typeof(string));
    }

    private static void CheckGroup(IConfigurationSection setting, Type type)
    {
        PropertyInfo[] members = PropertiesOf(type);
        if (setting.Value is { Length: > 0 }) // not repeated: it may be a connection string
            throw new SettingsException($"{setting.Path} has a value, but it is a group of settings: {NamesOf(members)}.");
        foreach (IConfigurationSection child in setting.GetChildren())
            Check(child, members);
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
            object? converted = TypeDescriptor.GetConverter(type).ConvertFromInvariantString(value);
            return converted is not null && (!type.IsEnum || Enum.IsDefined(type, converted));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or NotSupportedException)
        {
            return false;
        }
    }

    private static string NamesOf(IEnumerable<PropertyInfo> properties) =>
        string.Join(", ", properties.Where(p => p.SetMethod is not null).Select(p => p.Name).Order(StringComparer.Ordinal));

    private static PropertyInfo[] PropertiesOf(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance);

    /// <summary>A type whose properties are settings.</summary>
    private sealed record SettingsType(Type Type);
}
