using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Options;
using Streaming.Cli.Options;
using Streaming.Cli.Sessions;
using Streaming.Clustering;
using Streaming.Inference;
using Streaming.Storage;
using Streaming.Storage.Log;
using Streaming.Storage.Migration;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming move-store</c>: copies a single machine's store to Azure Storage.</summary>
internal static class MoveStoreCommand
{
    private const string Explanation = """
        Copies the embedded store of a host (its setting Streaming:Data) to the Azure Storage account of silos that run with
        Streaming:Storage=Azure: conversations, including deleted ones that can still be restored, and the keys that sign
        users in. Snapshots are not copied; they are rebuilt. Each conversation appears only after its copy was read back
        and found equal. The default of an option is the host's environment variable: Streaming__Data,
        Streaming__Azure__ConnectionString, Streaming__Azure__Account or Streaming__Azure__Prefix.

        Stop the host first: no host may have the store open. Ctrl-C interrupts the move, and the same command resumes it;
        once the move is complete, the command changes nothing. The embedded store is not changed. Do not start a host on
        it again: there would be two copies of every conversation.
        """;

    public static Command Create()
    {
        Option<string> data = new Option<string>("--data")
        {
            Description = "The folder of the embedded store.",
            HelpName = "DIR",
            DefaultValueFactory = _ => Setting("Data") ?? "data",
        }.NotEmpty();
        var connectionString = new Option<string?>("--connection-string")
        {
            Description = "The storage account's connection string; preferably set in the environment.",
            HelpName = "TEXT",
        };
        var account = new Option<string?>("--account")
        {
            Description = "The storage account's name; the process signs in with its own identity.",
            HelpName = "NAME",
        };
        var prefix = new Option<string>("--prefix")
        {
            Description = "The prefix of the names of tables and containers.",
            HelpName = "NAME",
            DefaultValueFactory = _ => Setting("Azure__Prefix") ?? new AzureSettings().Prefix,
        };
        var command = new ExplainedCommand("move-store", "Moves a host's embedded store to Azure Storage.", Explanation)
        {
            data,
            connectionString,
            account,
            prefix,
        };
        command.SetAction(
            (parsed, _) =>
            {
                bool isNamed = parsed.GetValue(connectionString) is not null || parsed.GetValue(account) is not null;
                return RunAsync(
                    parsed.GetRequiredValue(data),
                    new AzureSettings
                    {
                        ConnectionString = isNamed ? parsed.GetValue(connectionString) : Setting("Azure__ConnectionString"),
                        Account = isNamed ? parsed.GetValue(account) : Setting("Azure__Account"),
                        Prefix = parsed.GetRequiredValue(prefix),
                    }
                );
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(string data, AzureSettings settings)
    {
        using var cancellation = new CancellationTokenSource();
        using var signals = new StopSignals(cancellation.Cancel);
        signals.Begin();
        var progress = new ProgressLine();
        try
        {
            StoreMigrationSummary moved = await StoreMigration.RunAsync(
                data,
                new AzureAccount(settings),
                progress.Report,
                cancellation.Token
            );
            Console.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(moved.WasComplete ? "Nothing to do, the store was moved before" : "Moved")}: {moved.Conversations} conversations "
                        + $"({moved.Hidden} of them deleted), {moved.Events} events, {moved.Ids} token ids, "
                        + $"{moved.Receipts} receipts and {moved.States} grain states."
                )
            );
            return 0;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Interrupted: run the same command to resume.");
            return StopSignals.ExitCode;
        }
        catch (LogUnavailableException e)
        {
            await Console.Error.WriteLineAsync($"{e.Message.TrimEnd('.')}; run the same command to resume.");
            return 1;
        }
        catch (Exception e) when (e is StoreMigrationException or StoreOpenException or OptionsValidationException)
        {
            throw new InputException(e.Message, e);
        }
    }

    private static string? Setting(string name) =>
        Environment.GetEnvironmentVariable("Streaming__" + name) is { Length: > 0 } value ? value : null;

    /// <summary>Writes the progress to standard error, at most every two seconds.</summary>
    private sealed class ProgressLine
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

        private long _written = TimeProvider.System.GetTimestamp();

        public void Report(StoreMigrationProgress progress)
        {
            if (TimeProvider.System.GetElapsedTime(_written) < Interval)
                return;
            _written = TimeProvider.System.GetTimestamp();
            Console.Error.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{progress.Conversations} of {progress.Of} conversations, {progress.Events} events, {progress.Ids} token ids"
                )
            );
        }
    }
}
