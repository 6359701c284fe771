using Streaming.Gateway;
using Streaming.Gateway.Settings;
using Streaming.StandaloneGateway;

return await HostRun.ReportingAsync(async () =>
{
    WebApplicationBuilder builder = WebApplication.CreateBuilder(
        new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory }
    );
    HostRun.RequireUsableArguments(args, builder.Configuration);
    ClusterSettings settings = builder.ReadClusterSettings();
    builder.AddClusterClient(settings);
    builder.Services.AddGateway(builder.Configuration);

    WebApplication app = builder.Build();
    app.MapGateway();
    await app.RunUntilStoppedAsync();
});
