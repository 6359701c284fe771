using Streaming.Cli;
using Streaming.Inference.Hosting;

if (AllocatorEnvironment.EnsureOrReexec() is string warning)
    Console.Error.WriteLine(warning);
return await CommandLine.RunAsync(args);
