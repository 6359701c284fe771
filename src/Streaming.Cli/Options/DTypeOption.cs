using System.CommandLine;
using Streaming.Inference.Kernels;
using Streaming.Inference.Serving;

namespace Streaming.Cli.Options;

/// <summary>The option <c>--dtype</c> of the commands that run the engine.</summary>
internal static class DTypeOption
{
    public static Option<DType?> Create() =>
        ChoiceOption.Create<DType>("--dtype", "TYPE", "auto, float32, bfloat16, int8 or int4", Engine.TryParse, " Default auto.");
}
