using System.CommandLine;
using Streaming.Local;
using Streaming.Tooling;

// A cluster on this machine by one command: Azurite, three silos, two gateways. A process that ends is started again.
var port = new Option<int>("--port")
{
    Description = $"Port of the first gateway; the cluster uses {LocalCluster.PortCount} ports from it on.",
    DefaultValueFactory = _ => 5080,
};
port.Validators.Add(result =>
{
    if (result.Errors.Any() || result.GetValueOrDefault<int>() is < LocalCluster.LeastPort or > LocalCluster.LargestPort)
        result.AddError($"--port must be a number from {LocalCluster.LeastPort} to {LocalCluster.LargestPort}");
});
var data = new Option<string>("--data")
{
    Description = "Folder in which Azurite keeps its tables and blobs.",
    DefaultValueFactory = _ => Path.Combine("data", "cluster"),
};
var settings = new Argument<string[]>("settings")
{
    Description = "Settings of the silos, written --Streaming:NAME=VALUE.",
    Arity = ArgumentArity.ZeroOrMore,
};
settings.Validators.Add(result =>
{
    if (result.Tokens.Select(token => token.Value).FirstOrDefault(value => !LocalCluster.IsSetting(value)) is { } unknown)
        result.AddError($"'{unknown}' is neither an option nor a setting of the silos (--Streaming:NAME=VALUE)");
});
var root = new RootCommand("Azurite, three silos and two gateways as processes of this machine.") { port, data, settings };
root.SetAction(
    (parsed, stopping) =>
        LocalCluster.RunAsync(
            parsed.GetValue(port),
            Path.GetFullPath(parsed.GetRequiredValue(data)),
            parsed.GetValue(settings) ?? [],
            stopping
        )
);
return await ToolCommand.RunAsync(root, args);
