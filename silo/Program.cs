using Streaming.Gateway;
using Streaming.Gateway.Settings;
using Streaming.Inference;
using Streaming.Inference.Hosting;
using Streaming.Silo;
using Streaming.Storage;

if (AllocatorEnvironment.EnsureOrReexec() is { } warning)
    Console.Error.WriteLine(warning);
return await HostRun.ReportingAsync(
    async () =>
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory }
        );
        HostRun.RequireUsableArguments(args, builder.Configuration);
        SiloSettings settings = builder.ReadSiloSettings();

        await using Engine engine = EngineStart.Load(settings);
        builder.AddSilo(settings, engine);
        if (settings.Gateway)
            builder.Services.AddGateway(builder.Configuration);
        else
            builder.Services.AddHealthOnly(builder.Configuration);
        builder.Services.AddHealthChecks().AddCheck<StoreHealthCheck>("store", tags: ["ready"]);

        WebApplication app = builder.Build();
        if (settings.Gateway)
            app.MapGateway();
        else
            app.MapHealthOnly();
        await app.RunUntilStoppedAsync(settings.Gateway);
    },
    typeof(InputException),
    typeof(StoreOpenException)
);
