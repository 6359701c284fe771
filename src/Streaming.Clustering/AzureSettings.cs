using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Streaming.Clustering;

/// <summary>The Azure Storage account and the names in it; section <c>Streaming:Azure</c>.</summary>
public sealed partial class AzureSettings
{
    private const string Section = "Streaming:Azure";

    /// <summary>The account's connection string (Azure or Azurite); alternative to <see cref="Account"/>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>The account's name, to sign in with this process's identity (managed, or a developer's own).</summary>
    public string? Account { get; set; }

    /// <summary>The prefix of all table and container names, so that several services can share an account.</summary>
    public string Prefix { get; set; } = "streaming";

    /// <summary>Checks that the settings give one account, and names that Azure Storage accepts.</summary>
    /// <exception cref="OptionsValidationException">The message is one sentence that names the key.</exception>
    public void Validate()
    {
        bool hasConnectionString = !string.IsNullOrWhiteSpace(ConnectionString);
        bool hasAccount = !string.IsNullOrWhiteSpace(Account);
        if (hasConnectionString == hasAccount)
            throw Wrong(
                $"Set either {Section}:ConnectionString or {Section}:Account, and not both: one of them says which storage account to use."
            );
        if (hasAccount && !AccountName().IsMatch(Account!))
            throw Wrong($"{Section}:Account is '{Account}': it must be a storage account's name, 3 to 24 lower-case letters and digits.");
        if (!PrefixName().IsMatch(Prefix))
            throw Wrong($"{Section}:Prefix is '{Prefix}': it must be 1 to 40 lower-case letters and digits, the first a letter.");
    }

    internal static OptionsValidationException Wrong(string sentence) => new(Section, typeof(AzureSettings), [sentence]);

    [GeneratedRegex("^[a-z0-9]{3,24}$")]
    private static partial Regex AccountName();

    [GeneratedRegex("^[a-z][a-z0-9]{0,39}$")]
    private static partial Regex PrefixName();
}
