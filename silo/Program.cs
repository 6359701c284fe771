using Streaming.Clustering;
using Streaming.Gateway;
using Streaming.Hosting;
using Streaming.Hosting.Settings;
using Streaming.Inference;
using Streaming.Inference.Memory;
using Streaming.Inference.Serving;
using Streaming.Silo;
using Streaming.Storage;

if (AllocatorEnvironment.EnsureOrReexec() is { } warning)
    Console.Error.WriteLine(warning);
return await HostRun.ReportErrorsAsync(
    async () =>
    {
        WebApplicationBuilder builder = WebHosting.CreateBuilder(args);
        builder.Services.AddSiloSettings().AddGatewaySettings();
        SiloSettings settings = builder.ReadSettings<SiloSettings>();

        // What is wrong stops the host before the model loads.
        AzureAccount? account = settings.OpenAccount();
        settings.RequireFreePorts();
        await using Engine engine = EngineStart.Load(settings);
        builder.AddSilo(settings, account, engine);
        if (settings.Gateway)
            builder.Services.AddGateway();

        WebApplication app = builder.Build();
        app.UseHosting();
        if (settings.Gateway)
            app.MapGateway();
        await app.RunUntilStoppedAsync(settings.Gateway);
    },
    typeof(InputException),
    typeof(StoreOpenException)
);
