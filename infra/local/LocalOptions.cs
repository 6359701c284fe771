using System.Globalization;

namespace Streaming.Local;

/// <summary>What the command line says.</summary>
/// <param name="Port">The first gateway's port; all others follow it.</param>
/// <param name="Data">Where Azurite keeps what is said.</param>
/// <param name="Settings">Further settings for the silos, as the silo's command line takes them.</param>
internal sealed record LocalOptions(int Port, string Data, string[] Settings)
{
    /// <summary>Ports that are used, from <see cref="Port"/> on.</summary>
    public const int PortCount = 20;

    private const string Usage =
        "Usage: dotnet run -c Release --project infra/local -- [--port 5080] [--data DIR] [--Streaming:NAME=VALUE]...";

    /// <summary>Reads the command line; null and a sentence when it is wrong.</summary>
    public static LocalOptions? Parse(string[] args, out string? problem)
    {
        var options = new LocalOptions(5080, Path.Combine(Environment.CurrentDirectory, "data", "cluster"), []);
        problem = null;
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i].StartsWith("--Streaming:", StringComparison.OrdinalIgnoreCase) && args[i].Contains('=', StringComparison.Ordinal))
                options = options with { Settings = [.. options.Settings, args[i]] };
            else if (
                args[i] == "--port"
                && i + 1 < args.Length
                && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out int port)
                && port is >= 1024 and <= 65535 - PortCount
            )
                (options, i) = (options with { Port = port }, i + 1);
            else if (args[i] == "--data" && i + 1 < args.Length)
                (options, i) = (options with { Data = Path.GetFullPath(args[i + 1]) }, i + 1);
            else
                problem = $"'{args[i]}' is not understood, or its value is missing or wrong. {Usage}";
        }
        return problem is null ? options : null;
    }
}
