using System.Diagnostics;
using Streaming.Hosting.Settings;
using Streaming.Inference;
using Streaming.Inference.Kernels;
using Streaming.Inference.Serving;

namespace Streaming.Silo;

/// <summary>Loads the checkpoint and prints what it does.</summary>
internal static class EngineStart
{
    /// <summary>Loads the engine for the settings.</summary>
    public static Engine Load(SiloSettings settings)
    {
        if (!Engine.TryParse(settings.DType, out DType type))
            throw new UnreachableException("The settings were not validated.");
        var clock = Stopwatch.StartNew();
        Console.WriteLine($"Loading the checkpoint in {settings.Model} ...");
        Engine engine = Load(
            new EngineOptions
            {
                Model = settings.Model,
                Sinks = settings.Sinks,
                Window = settings.Window,
                DType = type,
                Devices = settings.Devices is { Length: > 0 } devices ? devices : ["cpu"],
                Slots = settings.Slots,
                Threads = settings.Threads,
                Deterministic = settings.Deterministic,
            }
        );
        Console.WriteLine(
            $"Loaded {engine.Name} in {clock.Elapsed.TotalSeconds:F1} s: {engine.DType}, {engine.DefaultLayout.Fixed} sinks "
                + $"and a window of {engine.DefaultLayout.Window}, {settings.Slots} slots on {string.Join(", ", engine.Devices.Keys)}."
        );
        return engine;
    }

    private static Engine Load(EngineOptions options)
    {
        try
        {
            return Engine.Load(options);
        }
        catch (InputException e) when (e.Option is { } option)
        {
            throw new SettingsException($"{SettingsSection.Name}:{option}: {e.Message}", e);
        }
    }
}
