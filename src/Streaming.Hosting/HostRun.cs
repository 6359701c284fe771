using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Streaming.Hosting.Health;
using Streaming.Hosting.Settings;

namespace Streaming.Hosting;

/// <summary>How a host starts and ends: it prints its address when it is ready, and one sentence when it cannot start.</summary>
public static class HostRun
{
    private const int BadInput = 2;

    /// <summary>Runs a host. Bad input is one line on stderr and an exit code, never a stack trace.</summary>
    /// <param name="run">Builds and runs the host.</param>
    /// <param name="badInput">Exceptions whose message is a sentence for the user, besides those of settings and ports.</param>
    /// <returns>The process's exit code: 0, or 2 for bad input.</returns>
    public static async Task<int> ReportErrorsAsync(Func<Task> run, params IReadOnlyList<Type> badInput)
    {
        try
        {
            await run();
            return 0;
        }
        catch (Exception e) when (SentenceOf(e, badInput) is { } sentence)
        {
            await Console.Error.WriteLineAsync(sentence);
            return BadInput;
        }
    }

    /// <summary>Starts the host, prints where it listens, and waits until it stops.</summary>
    /// <param name="app">The host.</param>
    /// <param name="hasPage">Whether there is something to open in a browser.</param>
    public static async Task RunUntilStoppedAsync(this WebApplication app, bool hasPage = true)
    {
        await app.StartAsync();
        string addresses = string.Join(" or ", app.Urls);
        Console.WriteLine(
            hasPage
                ? $"Ready: open {addresses} in a browser. Ctrl-C stops."
                : $"Ready: a silo for stand-alone gateways, its health at {addresses}{HealthRoutes.Ready}. Ctrl-C stops."
        );
        await app.WaitForShutdownAsync();
    }

    /// <summary>The sentence of an exception that the user can act on; null for a defect, which needs its stack trace.</summary>
    private static string? SentenceOf(Exception exception, IReadOnlyList<Type> badInput)
    {
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            if (e is AddressInUseException)
                return $"{exception.Message.TrimEnd('.')}: stop the other process, or choose another address "
                    + "with --urls http://localhost:PORT.";
            if (e is OptionsValidationException invalid)
                return invalid.Failures.First();
            if (e is SettingsException || badInput.Contains(e.GetType()))
                return e.Message;
        }
        return null;
    }
}
