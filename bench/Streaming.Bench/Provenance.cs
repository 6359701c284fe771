using System.Globalization;
using Streaming.Tooling;

namespace Streaming.Bench;

/// <summary>Where a result comes from.</summary>
/// <param name="Machine">Processor, cores, operating system, runtime.</param>
/// <param name="Date">When it was measured.</param>
/// <param name="Commit">The commit of the program.</param>
/// <param name="Command">The command that measured it.</param>
public sealed record Provenance(string Machine, DateTimeOffset Date, string Commit, string Command)
{
    /// <summary>Of a result that the running program measures now.</summary>
    /// <param name="project">The program's project, from the repository's root.</param>
    /// <param name="arguments">Its arguments.</param>
    public static Provenance Now(string project, IEnumerable<string> arguments) =>
        new(
            Tooling.Machine.Description,
            TimeProvider.System.GetUtcNow(),
            Repository.Commit(),
            $"dotnet run -c Release --project {project} -- {string.Join(' ', arguments)}".TrimEnd(' ', '-')
        );

    /// <summary>A table with a row for each part, after further rows.</summary>
    public string ToTable(params IEnumerable<(string Name, string Value)> further) =>
        Markdown.Table(
            ["<measured", "<"],
            [
                .. further.Select(row => (string[])[row.Name, row.Value]),
                ["machine", Machine],
                ["date", Format(Date)],
                ["commit", Commit],
                ["command", $"`{Command}`"],
            ]
        );

    /// <summary>A time as documents show it.</summary>
    public static string Format(DateTimeOffset date) => date.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
