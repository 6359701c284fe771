using Microsoft.Extensions.Options;
using Streaming.Clustering;

namespace Streaming.Storage.Tests.Azure;

/// <summary>An account and its settings.</summary>
public sealed class AzureAccountTests
{
    private const string ConnectionString =
        "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=a2V5;EndpointSuffix=core.windows.net";

    [Fact]
    public void An_account_given_by_name_is_reached_at_Azures_addresses()
    {
        var account = new AzureAccount(new AzureSettings { Account = "account", Prefix = "mine" });

        Assert.Equal(new Uri("https://account.table.core.windows.net"), account.ProviderTables.Uri);
        Assert.Equal(new Uri("https://account.table.core.windows.net"), account.TablesWithoutRetries().Uri);
        Assert.Equal(new Uri("https://account.blob.core.windows.net"), account.Blobs().Uri);
        Assert.Equal(("minelog", "mine-grainstate"), (account.TableName("log"), account.ContainerName("grainstate")));
    }

    [Fact]
    public void The_logs_client_does_not_retry_and_has_a_short_timeout()
    {
        var account = new AzureAccount(new AzureSettings { ConnectionString = ConnectionString });

        account.TablesWithoutRetries(options =>
        {
            Assert.Equal(0, options.Retry.MaxRetries);
            Assert.InRange(options.Retry.NetworkTimeout, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5));
        });
    }

    [Theory]
    [InlineData(null, null, "streaming", "Streaming:Azure:ConnectionString or Streaming:Azure:Account")]
    [InlineData(ConnectionString, "account", "streaming", "Streaming:Azure:ConnectionString or Streaming:Azure:Account")]
    [InlineData(null, "Account", "streaming", "Streaming:Azure:Account is 'Account'")]
    [InlineData("AccountKey=a2V5", null, "streaming", "Streaming:Azure:ConnectionString is not")]
    [InlineData(ConnectionString, null, "", "Streaming:Azure:Prefix is ''")]
    [InlineData(ConnectionString, null, "1st", "Streaming:Azure:Prefix is '1st'")]
    [InlineData(ConnectionString, null, "my-service", "Streaming:Azure:Prefix is 'my-service'")]
    public void Settings_without_an_account_are_refused_and_the_key_is_not_quoted(
        string? connectionString,
        string? account,
        string prefix,
        string said
    )
    {
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() =>
            new AzureAccount(
                new AzureSettings
                {
                    ConnectionString = connectionString,
                    Account = account,
                    Prefix = prefix,
                }
            )
        );

        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("a2V5", error.Message, StringComparison.Ordinal);
    }
}
