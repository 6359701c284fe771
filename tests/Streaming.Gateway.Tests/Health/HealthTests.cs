using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Health;

public sealed class HealthTests(Gateways gateways)
{
    [Theory]
    [InlineData("/health/live", """{"status":"healthy"}""")]
    [InlineData("/health/ready", """{"status":"healthy","checks":{"cluster":"The cluster answers."}}""")]
    public async Task Both_gateways_are_alive_and_ready(string path, string expected)
    {
        foreach (Uri gateway in (Uri[])[gateways.Silo, gateways.Standalone])
        {
            using var http = new HttpClient { BaseAddress = gateway };
            Assert.Equal(expected, await http.GetStringAsync(path, TestContext.Current.CancellationToken));
        }
    }
}
