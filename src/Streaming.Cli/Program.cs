using Streaming.Cli;
using Streaming.Inference.Memory;

if (AllocatorEnvironment.EnsureOrReexec() is string warning)
    Console.Error.WriteLine(warning);
return await CommandLine.RunAsync(args);
