using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Blobs;

namespace Streaming.Clustering;

/// <summary>
/// Creates clients of one storage account. Their time limits are shorter than the SDK's defaults (100 s and three retries), with which a
/// store that hangs would block every grain that writes.
/// </summary>
public sealed class AzureAccount
{
    private static readonly TimeSpan NetworkTimeout = TimeSpan.FromSeconds(5);

    private readonly AzureSettings _settings;
    private readonly AccountIdentity? _identity;

    /// <summary>The account in the settings.</summary>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The settings name no account.</exception>
    public AzureAccount(AzureSettings settings)
        : this(settings, () => AccountIdentity.OfProcess(settings.Account!)) { }

    /// <summary>The same with another identity, if the settings give the account by name.</summary>
    internal AzureAccount(AzureSettings settings, Func<AccountIdentity> identity)
    {
        settings.Validate();
        _settings = settings;
        _identity = string.IsNullOrWhiteSpace(settings.Account) ? null : identity();
        ProviderTables = TablesWithRetries();
    }

    /// <summary>Tables for Orleans' providers, which leave retries to the client.</summary>
    public TableServiceClient ProviderTables { get; }

    /// <summary>A table's name: the service's prefix and the table's purpose.</summary>
    public string TableName(string purpose) => _settings.Prefix + purpose;

    /// <summary>A blob container's name: the service's prefix and the container's purpose.</summary>
    public string ContainerName(string purpose) => $"{_settings.Prefix}-{purpose}";

    /// <summary>
    /// Tables for a caller that handles failures itself. Requests are not retried, since a repeated conditional write reports a conflict
    /// although the first one took effect.
    /// </summary>
    /// <param name="configure">Configures the client further.</param>
    public TableServiceClient TablesWithoutRetries(Action<TableClientOptions>? configure = null) =>
        Tables(options =>
        {
            Configure(options);
            options.Retry.MaxRetries = 0;
            configure?.Invoke(options);
        });

    /// <summary>Tables for a caller whose writes may be sent twice. Requests without an answer are retried up to three times.</summary>
    /// <param name="configure">Configures the client further.</param>
    public TableServiceClient TablesWithRetries(Action<TableClientOptions>? configure = null) =>
        Tables(options =>
        {
            Configure(options);
            configure?.Invoke(options);
        });

    /// <summary>Blobs, for Orleans' providers and for snapshots.</summary>
    /// <param name="configure">Configures the client further.</param>
    public BlobServiceClient Blobs(Action<BlobClientOptions>? configure = null)
    {
        var options = new BlobClientOptions();
        Configure(options);
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

    private void Configure(ClientOptions options)
    {
        if (_identity?.Transport is { } transport)
            options.Transport = transport;
        SetTimeLimits(options);
    }

    /// <summary>A try waits five seconds, so four tries end before a grain call times out.</summary>
    internal static void SetTimeLimits(ClientOptions options)
    {
        options.Retry.NetworkTimeout = NetworkTimeout;
        options.Retry.Delay = TimeSpan.FromMilliseconds(200);
        options.Retry.MaxDelay = TimeSpan.FromSeconds(2);
        options.Retry.MaxRetries = 3;
    }

    /// <summary>Hides the SDK's message about a wrong connection string, since it may quote the key.</summary>
    private static T Checked<T>(Func<T> create)
    {
        try
        {
            return create();
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw AzureSettings.Wrong(
                "Streaming:Azure:ConnectionString is not a storage account's connection string: copy it from the account's access keys, "
                    + "or set Streaming:Azure:Account instead."
            );
        }
    }
}
