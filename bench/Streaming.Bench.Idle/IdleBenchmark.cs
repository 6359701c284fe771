using System.Globalization;
using Streaming.Bench.Paper;
using Streaming.Bench.Paper.Endurance.Served;

namespace Streaming.Bench.Idle;

/// <summary>
/// Conversations that were talked to once and are idle since, on one host with the embedded model and the embedded store. The host is
/// started anew before it is measured, so that its memory is what idle conversations need and not what talking left.
/// </summary>
internal sealed class IdleBenchmark(int conversations, int asked)
{
    private const int Few = 200;
    private const double KiB = 1024;

    public async Task RunAsync(string output, string arguments, CancellationToken cancellation)
    {
        string data = Directory.CreateTempSubdirectory("idle-").FullName;
        try
        {
            await using var host = new SiloProcess(data, ["SnapshotTokens=0", "GuestsPerMinute=1000", "Slots=16"]);
            await using var people = new People();
            await host.StartAsync(cancellation);
            await people.ConnectAsync(host.Url, cancellation);
            await people.TalkAsync(conversations, cancellation);
            Console.Error.WriteLine($"{conversations} conversations have been answered.");
            await host.StopAsync(cancellation);

            await host.StartAsync(cancellation);
            await people.ConnectAsync(host.Url, cancellation);
            await people.AskOnceAsync(Few, cancellation); // Compiles what answers.
            double[] few = await people.AskInTurnAsync(asked, Few, cancellation);
            double before = host.ResidentMiB;
            double[] first = await people.AskOnceAsync(conversations, cancellation);
            double after = host.ResidentMiB;
            double[] second = await people.AskInTurnAsync(asked, conversations, cancellation);
            await host.StopAsync(cancellation);
            Write(output, arguments, before, after, few, first, second);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private void Write(string output, string arguments, double before, double after, double[] few, double[] first, double[] second)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"""
            # {conversations:#,0} idle conversations on one host

            Each has been talked to once, and is an active grain that nobody watches. The host is started anew before it is measured; resident memory is read
            before and after all have been asked for once, garbage of the asking included. Answers are the hub's to `GetConversation`, by 16 connections.

            | | |
            |---|---:|
            | resident memory before, MiB | {before:0} |
            | with all of them active, MiB | {after:0} |
            | **KiB each** | **{(after - before) * KiB / (conversations - Few):0.0}** |
            | activation and first answer, 16 at a time, ms: median, 99th percentile | {At(first, 0.5):0.00}, {At(first, 0.99):0.00} |
            | activations a second | {1000 * 16 / first.Average():#,0} |
            | an answer with {Few} active, one at a time, ms: median, 99th percentile | {At(few, 0.5):0.00}, {At(few, 0.99):0.00} |
            | an answer with all active, one at a time, ms: median, **99th percentile** | {At(second, 0.5):0.00}, **{At(
                second,
                0.99
            ):0.00}** |

            | measured | |
            |---|---|
            | machine | {Repository.Machine()} |
            | date | {DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm} UTC |
            | commit | {Repository.Commit()} |
            | command | `dotnet run -c Release --project bench/Streaming.Bench.Idle{(arguments.Length > 0 ? " -- " + arguments : "")}` |

            """
        );
        Directory.CreateDirectory(output);
        File.WriteAllText(Path.Combine(output, "idle.md"), text.ReplaceLineEndings("\n"));
        Console.WriteLine(text);
    }

    private static double At(double[] ascending, double share) =>
        ascending[Math.Min(ascending.Length - 1, (int)(share * ascending.Length))];
}
