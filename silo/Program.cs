using Streaming.Gateway;
using Streaming.Gateway.Settings;
using Streaming.Inference;
using Streaming.Inference.Hosting;
using Streaming.Silo;
using Streaming.Storage;

AllocatorEnvironment.EnsureOrReexec();
return await HostRun.ReportingAsync(async () =>
{
    WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    SiloSettings settings = builder.ReadSiloSettings();

    await using Engine engine = EngineStart.Load(settings);
    builder.AddSilo(settings, engine);
    if (settings.Gateway)
        builder.Services.AddGateway(builder.Configuration);

    WebApplication app = builder.Build();
    if (settings.Gateway)
        app.MapGateway();
    await app.RunUntilStoppedAsync();
}, typeof(InputException), typeof(StoreOpenException));
