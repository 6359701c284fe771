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

/// <summary><c>streaming move-store</c>: from one machine's store to one that a cluster has.</summary>
internal static class MoveStoreCommand
{
    private const string Explanation = """
        What a host has as Streaming:Data is copied to what silos with Streaming:Storage=Azure have: conversations, deleted ones that can
        still be undone included, and the keys that sign people in. Not copied are snapshots, which are rebuilt. Each conversation appears
        whole, after it was read back and found the same. Without an option, its value is that of the host's environment variable:
        Streaming__Data, Streaming__Azure__ConnectionString, Streaming__Azure__Account, Streaming__Azure__Prefix.

        No host may have the store open. Ctrl-C ends it, and the same command goes on from there; after the end it changes nothing. The
        embedded store stays as it is: do not start a host on it again, or there are two of every conversation.
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
            Description = "The storage account by its connection string; best given by the environment.",
            HelpName = "TEXT",
        };
        var account = new Option<string?>("--account")
        {
            Description = "The storage account by its name, as this process's own identity.",
            HelpName = "NAME",
        };
        var prefix = new Option<string>("--prefix")
        {
            Description = "What the names of its tables and containers begin with.",
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
                    $"{(moved.WasComplete ? "Nothing to do, the store was moved before" : "Moved")}: {moved.Conversations} conversations ({moved.Hidden} of them deleted), {moved.Events} events, {moved.Ids} token ids, {moved.Receipts} receipts and {moved.States} grain states."
                )
            );
            return 0;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Interrupted: the same command goes on from here.");
            return StopSignals.ExitCode;
        }
        catch (LogUnavailableException e)
        {
            await Console.Error.WriteLineAsync($"{e.Message.TrimEnd('.')}; the same command goes on from here.");
            return 1;
        }
        catch (Exception e) when (e is StoreMigrationException or StoreOpenException or OptionsValidationException)
        {
            throw new InputException(e.Message, e);
        }
    }

    private static string? Setting(string name) =>
        Environment.GetEnvironmentVariable("Streaming__" + name) is { Length: > 0 } value ? value : null;

    /// <summary>Says how far it is on standard error, every two seconds at most.</summary>
    private sealed class ProgressLine
    {
        private static readonly TimeSpan Pace = TimeSpan.FromSeconds(2);

        private long _said = TimeProvider.System.GetTimestamp();

        public void Report(StoreMigrationProgress progress)
        {
            if (TimeProvider.System.GetElapsedTime(_said) < Pace)
                return;
            _said = TimeProvider.System.GetTimestamp();
            Console.Error.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{progress.Conversations} of {progress.Of} conversations, {progress.Events} events, {progress.Ids} token ids"
                )
            );
        }
    }
}
