using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>What a run of faults found, as Markdown.</summary>
internal sealed class ChaosReport
{
    private readonly List<(string Kind, TimeSpan Pause)> _pauses = [];

    public required int Conversations { get; init; }

    public required int Watchers { get; init; }

    public required TimeSpan Rest { get; init; }

    public int Faults { get; set; }

    /// <summary>Silos that left when asked and were started again.</summary>
    public int Restarts { get; set; }

    /// <summary>Faults during which a reply was beyond its first eviction.</summary>
    public int PastEviction { get; set; }

    public int Replies { get; set; }

    public long Numbers { get; set; }

    public int Differing { get; set; }

    public int NotAsStored { get; set; }

    public void AddPause(string kind, TimeSpan pause) => _pauses.Add((kind, pause));

    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"""
            # Chaos: processes killed and frozen while {Conversations} conversations talk

            Three silos and two stand-alone gateways over Azurite, deterministic mode, 4 sinks and a window of 60; {Watchers} watchers for
            each conversation, half of them through each gateway.{(
                ClusterFixture.FurtherSettings.Length > 0 ? $" Silos have {ClusterFixture.FurtherSettings}." : ""
            )} {DateTime.UtcNow:yyyy-MM-dd}, {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors.

            | | |
            |---|---|
            | faults | {Faults} |
            | of these while a reply was past its first eviction | {PastEviction} |
            | restarts in good order | {Restarts} |
            | replies compared with a run of one silo without faults | {Replies} |
            | numbers that watchers received | {Numbers} |
            | lost (a watcher's gap) | 0 |
            | repeated (a watcher's repetition) | 0 |
            | watchers whose joined text differs from what is stored | {NotAsStored} |
            | replies that differ from the run without faults | {Differing} |

            A gap or a repetition ends the run, so a report has none.

            ## Interruptions

            The longest time that a watcher waited for an event, of its message or of the reply, from the fault until everybody had gone on, in
            seconds. It is there without a fault as well, since all processes share this machine's processors. Each conversation rests for
            {Rest.TotalSeconds} s after a reply.

            | what happened | watchers | median | 99 % | longest |
            |---|---|---|---|---|
            """
        );
        foreach (
            IGrouping<string, (string Kind, TimeSpan Pause)> kind in _pauses
                .GroupBy(p => p.Kind)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
        )
        {
            double[] seconds = [.. kind.Select(p => p.Pause.TotalSeconds).Order()];
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {kind.Key} | {seconds.Length} | {At(seconds, 0.5):F2} | {At(seconds, 0.99):F2} | {seconds[^1]:F2} |"
            );
        }
        return text.ToString();
    }

    private static double At(double[] ascending, double share) =>
        ascending[Math.Min(ascending.Length - 1, (int)(share * ascending.Length))];
}
