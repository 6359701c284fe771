using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Blobs;

namespace Streaming.Clustering;

/// <summary>
/// Clients of one storage account. Each has time limits of its own: with the SDK's defaults (100 s and three retries) a store that
/// hangs would hang every grain that writes.
/// </summary>
public sealed class AzureAccount
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private readonly AzureSettings _settings;
    private readonly AccountIdentity? _identity;

    /// <summary>The account of the settings.</summary>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The settings name no account.</exception>
    public AzureAccount(AzureSettings settings)
        : this(settings, () => AccountIdentity.OfProcess(settings.Account!)) { }

    /// <summary>The same, signed in to by an identity that is given, where the settings name the account by its name.</summary>
    internal AzureAccount(AzureSettings settings, Func<AccountIdentity> identity)
    {
        settings.Validate();
        _settings = settings;
        _identity = string.IsNullOrWhiteSpace(settings.Account) ? null : identity();
        ProviderTables = TablesWithRetries();
    }

    /// <summary>Tables for Orleans' own providers, which leave retrying to the client.</summary>
    public TableServiceClient ProviderTables { get; }

    /// <summary>A table's name: the service's prefix and what it is for.</summary>
    public string TableName(string purpose) => _settings.Prefix + purpose;

    /// <summary>A blob container's name: the service's prefix and what it is for.</summary>
    public string ContainerName(string purpose) => $"{_settings.Prefix}-{purpose}";

    /// <summary>
    /// Tables for a caller that judges failures itself: nothing is sent twice, since a repeated conditional write reports a
    /// conflict although the first one took effect.
    /// </summary>
    /// <param name="configure">Changes the client further.</param>
    public TableServiceClient TablesWithoutRetries(Action<TableClientOptions>? configure = null) =>
        Tables(options =>
        {
            ForProviders(options);
            options.Retry.MaxRetries = 0;
            configure?.Invoke(options);
        });

    /// <summary>Tables for a caller whose writes may be sent twice: what the store does not answer is asked again, a few times.</summary>
    /// <param name="configure">Changes the client further.</param>
    public TableServiceClient TablesWithRetries(Action<TableClientOptions>? configure = null) =>
        Tables(options =>
        {
            ForProviders(options);
            configure?.Invoke(options);
        });

    /// <summary>Blobs, for Orleans' own providers and for snapshots.</summary>
    /// <param name="configure">Changes the client further.</param>
    public BlobServiceClient Blobs(Action<BlobClientOptions>? configure = null)
    {
        var options = new BlobClientOptions();
        ForProviders(options);
        configure?.Invoke(options);
        return Checked(() =>
            _identity is null
                ? new BlobServiceClient(_settings.ConnectionString, options)
                : new BlobServiceClient(_identity.Blobs, _identity.Credential, options)
        );
    }

    private TableServiceClient Tables(Action<TableClientOptions> configure)
    {
        var options = new TableClientOptions();
        configure(options);
        return Checked(() =>
            _identity is null
                ? new TableServiceClient(_settings.ConnectionString, options)
                : new TableServiceClient(_identity.Tables, _identity.Credential, options)
        );
    }

    private void ForProviders(ClientOptions options)
    {
        if (_identity?.Transport is { } transport)
            options.Transport = transport;
        Limit(options);
    }

    /// <summary>A try waits five seconds; four tries are over before a grain's call is.</summary>
    internal static void Limit(ClientOptions options)
    {
        options.Retry.NetworkTimeout = AnswerLimit;
        options.Retry.Delay = TimeSpan.FromMilliseconds(200);
        options.Retry.MaxDelay = TimeSpan.FromSeconds(2);
        options.Retry.MaxRetries = 3;
    }

    /// <summary>The SDK's complaint about a connection string is not repeated: it may quote the key.</summary>
    private static T Checked<T>(Func<T> create)
    {
        try
        {
            return create();
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw AzureSettings.Wrong(
                "Streaming:Azure:ConnectionString is not a storage account's connection string: copy it from the account's access keys, or set Streaming:Azure:Account instead."
            );
        }
    }
}
