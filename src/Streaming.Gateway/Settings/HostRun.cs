using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Streaming.Gateway.Settings;

/// <summary>How a host starts and ends as people see it: an address when it is ready, one sentence when it cannot be.</summary>
public static class HostRun
{
    private const int BadInput = 2;

    /// <summary>First parts of the keys that the command line may set.</summary>
    private static readonly string[] KnownArguments = ["urls", "environment", "Logging", "Kestrel", SettingsSection.Name];

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
    /// <param name="app">The host.</param>
    /// <param name="hasPage">Whether there is something to open in a browser.</param>
    public static async Task RunUntilStoppedAsync(this WebApplication app, bool hasPage = true)
    {
        await app.StartAsync();
        string addresses = string.Join(" or ", app.Urls);
        Console.WriteLine(
            hasPage
                ? $"Ready: open {addresses} in a browser. Ctrl-C stops."
                : $"Ready: a silo for stand-alone gateways, its health at {addresses}/health/ready. Ctrl-C stops."
        );
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
            throw new SettingsException(
                $"Port {port} ({SettingsSection.Name}:{setting}) is taken by another process: stop it, or set {SettingsSection.Name}:{setting} to a free port.",
                e
            );
        }
    }

    /// <summary>Refuses arguments and addresses that the host would ignore or misunderstand.</summary>
    /// <exception cref="SettingsException">Names the argument.</exception>
    public static void RequireUsableArguments(IReadOnlyList<string> arguments, IConfiguration configuration)
    {
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            string key = argument.TrimStart('-').Split('=')[0];
            if (
                !argument.StartsWith("--", StringComparison.Ordinal)
                || !KnownArguments.Contains(key.Split(':')[0], StringComparer.OrdinalIgnoreCase)
            )
                throw new SettingsException(
                    $"'{argument}' is not understood: settings are written --{SettingsSection.Name}:Slots=16, the address --urls http://localhost:5080; README.md lists the settings."
                );
            if (!argument.Contains('=', StringComparison.Ordinal))
                i++; // its value
        }
        foreach (
            string url in (configuration["urls"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        )
            RequireUsableAddress(url, configuration);
    }

    private static void RequireUsableAddress(string url, IConfiguration configuration)
    {
        const string Example = "write it as http://localhost:5080";
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException e)
        {
            throw new SettingsException($"The address '{url}' of --urls is none: {Example}.", e);
        }
        if (address.Port is < 0 or > ushort.MaxValue)
            throw new SettingsException($"The address '{url}' of --urls has no port from 0 to {ushort.MaxValue}: {Example}.");
        if (address.Scheme == Uri.UriSchemeHttps && !configuration.GetSection("Kestrel:Certificates").Exists())
            throw new SettingsException(
                $"The address '{url}' of --urls needs a certificate: set Kestrel:Certificates:Default:Path and :Password, or {Example} behind a proxy that has one."
            );
        bool isOwn = address.Host is "localhost" or "*" or "+" || IPAddress.TryParse(address.Host.Trim('[', ']'), out _);
        if (!isOwn)
            throw new SettingsException(
                $"The address '{url}' of --urls names a host, by which the server would listen on every interface: {Example}, or http://0.0.0.0:5080 if every interface is meant."
            );
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
