using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Streaming.Gateway.Settings;

/// <summary>How a host starts and ends as people see it: an address when it is ready, one sentence when it cannot be.</summary>
public static class HostRun
{
    private const int BadInput = 2;

    /// <summary>Runs a host; bad input is one line on stderr and an exit code, never a stack trace.</summary>
    /// <param name="run">Builds and runs it.</param>
    /// <param name="badInput">Exceptions, besides those of settings and ports, whose message is a sentence for whoever started it.</param>
    /// <returns>The process's exit code: 0, or 2 for bad input.</returns>
    public static async Task<int> ReportingAsync(Func<Task> run, params IReadOnlyList<Type> badInput)
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

    /// <summary>Starts the host, says where it listens, and waits for its end.</summary>
    public static async Task RunUntilStoppedAsync(this WebApplication app)
    {
        await app.StartAsync();
        Console.WriteLine($"Ready: open {string.Join(" or ", app.Urls)} in a browser. Ctrl-C stops.");
        await app.WaitForShutdownAsync();
    }

    /// <summary>Refuses a port that something else listens on, naming its setting.</summary>
    /// <exception cref="SettingsException">The port is taken.</exception>
    public static void RequireFreePort(int port, string setting)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
        }
        catch (SocketException e)
        {
            throw new SettingsException($"Port {port} ({SettingsSection.Name}:{setting}) is taken by another process: stop it, or set {SettingsSection.Name}:{setting} to a free port.", e);
        }
    }

    /// <summary>What is bad input and says itself what to do; null for everything that is a defect and needs its stack.</summary>
    private static string? SentenceOf(Exception exception, IReadOnlyList<Type> badInput)
    {
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            if (e is AddressInUseException)
                return $"{exception.Message.TrimEnd('.')}: stop the other process, or choose another address with --urls http://localhost:PORT.";
            if (e is SettingsException or OptionsValidationException || badInput.Contains(e.GetType()))
                return e.Message;
        }
        return null;
    }
}
