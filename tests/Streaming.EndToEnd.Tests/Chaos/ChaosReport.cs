using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>The findings of a run with faults, as Markdown.</summary>
internal sealed class ChaosReport
{
    private readonly List<(string Kind, TimeSpan Pause)> _pauses = [];

    public required int Conversations { get; init; }

    public required int Watchers { get; init; }

    public required TimeSpan Rest { get; init; }

    public int Faults { get; set; }

    /// <summary>Silos that were shut down and restarted.</summary>
    public int Restarts { get; set; }

    /// <summary>Faults that happened while a reply was past its first eviction.</summary>
    public int PastEviction { get; set; }

    public int Replies { get; set; }

    public long Numbers { get; set; }

    public int Differing { get; set; }

    public int NotAsStored { get; set; }

    public void AddPause(string kind, TimeSpan pause) => _pauses.Add((kind, pause));

    public override string ToString()
    {
        string settings = ClusterFixture.FurtherSettings.Length > 0 ? $" Settings of the silos: {ClusterFixture.FurtherSettings}." : "";
        string counts = Markdown.Table(
            ["<", ""],
            [
                ["faults", Faults],
                ["of these while a reply was past its first eviction", PastEviction],
                ["orderly restarts", Restarts],
                ["replies compared with a run of one silo without faults", Replies],
                ["numbers that watchers received", Numbers],
                ["lost (a gap at a watcher)", 0],
                ["repeated (a repetition at a watcher)", 0],
                ["watchers whose joined text differs from the stored one", NotAsStored],
                ["replies that differ from the run without faults", Differing],
            ]
        );
        string pauses = Markdown.Table(
            ["<fault", "watchers", "median", "99 %", "longest"],
            _pauses
                .GroupBy(pause => pause.Kind)
                .OrderBy(kind => kind.Key, StringComparer.Ordinal)
                .Select(kind => (kind.Key, Seconds: kind.Select(pause => pause.Pause.TotalSeconds).Order().ToArray()))
                .Select(kind => (object[])[kind.Key, kind.Seconds.Length, At(kind.Seconds, 0.5), At(kind.Seconds, 0.99), kind.Seconds[^1]])
        );
        return $"""
            # Chaos: processes are killed and frozen while {Conversations} conversations run

            {Markdown.Wrap(
                $"""
                Three silos and two stand-alone gateways over Azurite, deterministic mode, 4 sinks and a window of 60; {Watchers} watchers
                for each conversation, half of them at each gateway.{settings} {DateTime.UtcNow:yyyy-MM-dd}, commit {Repository.Commit()},
                {Machine.Description}.
                """
            )}

            {counts}
            A gap or a repetition ends the run, so a report has none.

            ## Interruptions

            {Markdown.Wrap(
                $"""
                The longest time, in seconds, that a watcher waited for an event of its message or reply, from the fault until all
                watchers had
                continued. Waits exist without a fault too, because all processes share this machine's processors. Each conversation
                rests for
                {Rest.TotalSeconds} s after a reply.
                """
            )}

            {pauses}
            """.ReplaceLineEndings(
            "\n"
        );
    }

    private static double At(double[] ascending, double share) =>
        ascending[Math.Min(ascending.Length - 1, (int)(share * ascending.Length))];
}
