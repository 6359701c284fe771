using Streaming.Gateway;
using Streaming.Hosting;
using Streaming.Hosting.Settings;
using Streaming.StandaloneGateway;

return await HostRun.ReportErrorsAsync(async () =>
{
    WebApplicationBuilder builder = WebHosting.CreateBuilder(args);
    builder.Services.AddClusterSettings().AddGatewaySettings();
    ClusterSettings settings = builder.ReadSettings<ClusterSettings>();

    builder.AddClusterClient(settings);
    builder.Services.AddGateway();

    WebApplication app = builder.Build();
    app.UseHosting().MapGateway();
    await app.RunUntilStoppedAsync();
});
