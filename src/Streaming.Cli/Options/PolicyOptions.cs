using System.CommandLine;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;

namespace Streaming.Cli.Options;

/// <summary>The options that <c>perplexity</c> and <c>bench</c> share.</summary>
internal sealed class PolicyOptions
{
    private readonly Option<CachePolicy?> _policy = ChoiceOption.Create<CachePolicy>(
        "--policy",
        "POLICY",
        "dense, window, recompute or streaming",
        CachePolicies.TryParse
    );
    private readonly Option<int?> _sinks = NumberOption.Create<int>("--sinks", "S, the first tokens, never evicted. Default 4.", 0);
    private readonly Option<DType?> _dtype = DTypeOption.Create();
    private readonly Option<string> _device = DeviceOption.Create();
    private readonly Option<int?> _threads = ThreadsOption.Create("one less than the number of processors");
    private readonly Option<bool> _json = new("--json") { Description = "Prints JSON, one object per line." };

    /// <summary>Describes the four policies, for the help of both commands.</summary>
    public const string Explanation = """
        Policies, with S sinks and a window of W tokens. The window includes the current token.
          dense      attends to all tokens; the cache grows.
          window     attends to the last S + W tokens, in a rolling cache without sinks.
          recompute  attends to the start token and the last S + W - 1 tokens, recomputed for each token.
          streaming  attends to the first S tokens and the last W tokens, in a rolling cache.
        """;

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        _policy.Required = true;
        foreach (Option option in (Option[])[_policy, _sinks, _dtype, _device, _threads, _json])
            command.Add(option);
    }

    /// <summary>Reads the options; window, batch and growth are set by the command.</summary>
    public EvaluationOptions Read(ParseResult parsed) =>
        new()
        {
            Policy = parsed.GetRequiredValue(_policy)!.Value,
            Sinks = parsed.GetValue(_sinks) ?? 4,
            DType = parsed.GetValue(_dtype) ?? DType.Auto,
            Device = parsed.GetRequiredValue(_device),
            Threads = parsed.GetValue(_threads),
        };

    /// <summary>Whether <c>--json</c> was given.</summary>
    public bool Json(ParseResult parsed) => parsed.GetValue(_json);
}
