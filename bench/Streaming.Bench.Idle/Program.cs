using System.CommandLine;
using Streaming.Bench.Idle;
using Streaming.Bench.Paper;

// What conversations cost that nobody talks to at the moment; the result goes to bench/results/idle.md:
//   dotnet run -c Release --project bench/Streaming.Bench.Idle
var conversations = new Option<int>("--conversations")
{
    Description = "Idle conversations on the host.",
    DefaultValueFactory = _ => 20_000,
};
var asked = new Option<int>("--asked")
{
    Description = "Questions of each measurement of the hub's answers.",
    DefaultValueFactory = _ => 10_000,
};
var output = new Option<string>("--out")
{
    Description = "Folder of the result.",
    DefaultValueFactory = _ => Repository.PathTo("bench", "results"),
};

var root = new RootCommand("Idle conversations on one host: bytes each, activation time, and the hub's answers meanwhile.")
{
    conversations,
    asked,
    output,
};
root.SetAction(
    (parsed, cancellation) =>
        new IdleBenchmark(parsed.GetValue(conversations), parsed.GetValue(asked)).RunAsync(
            parsed.GetRequiredValue(output),
            string.Join(' ', args),
            cancellation
        )
);
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (MeasurementException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
