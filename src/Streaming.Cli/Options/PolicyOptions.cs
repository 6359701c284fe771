using System.CommandLine;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Inference.Serving;

namespace Streaming.Cli.Options;

/// <summary>The options that <c>perplexity</c> and <c>bench</c> share.</summary>
internal sealed class PolicyOptions
{
    private readonly Option<string> _policy = new("--policy")
    {
        Description = "dense, window, recompute or streaming.",
        HelpName = "POLICY",
        Required = true,
    };
    private readonly Option<int?> _sinks = NumberOption.Create<int>("--sinks", "S, first tokens that are never forgotten. Default 4.", 0);
    private readonly Option<string> _dtype = new("--dtype")
    {
        Description = "auto, float32, bfloat16, int8 or int4.",
        DefaultValueFactory = _ => "auto",
        HelpName = "TYPE",
    };
    private readonly Option<string> _device = DeviceOption.Create();
    private readonly Option<int?> _threads = NumberOption.Create<int>(
        "--threads",
        "Threads for the arithmetic. Default: one less than there are processors.",
        1,
        1024
    );
    private readonly Option<bool> _json = new("--json") { Description = "Prints JSON, one object a line." };

    /// <summary>What the four policies are, for the help of either command.</summary>
    public const string Explanation = """
        The policies, with S sinks and a window of W tokens, a token itself included:
          dense      sees everything since the beginning; the cache grows.
          window     sees the last S + W tokens, in a rolling cache without sinks.
          recompute  sees the start token and the last S + W - 1 tokens, computed afresh for each token.
          streaming  sees the first S tokens and the last W, in a rolling cache.
        """;

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_policy, _sinks, _dtype, _device, _threads, _json])
            command.Add(option);
        _policy.Validators.Add(result =>
        {
            if (!CachePolicies.TryParse(result.GetValueOrDefault<string>(), out _))
                result.AddError($"--policy is '{result.GetValueOrDefault<string>()}' and must be dense, window, recompute or streaming");
        });
        _dtype.Validators.Add(result =>
        {
            if (!Engine.TryParse(result.GetValueOrDefault<string>(), out DType _))
                result.AddError($"--dtype is '{result.GetValueOrDefault<string>()}' and must be auto, float32, bfloat16, int8 or int4");
        });
    }

    /// <summary>What was given; window, batch and growth are the command's own.</summary>
    public EvaluationOptions Read(ParseResult parsed)
    {
        CachePolicies.TryParse(parsed.GetRequiredValue(_policy), out CachePolicy policy);
        Engine.TryParse(parsed.GetValue(_dtype), out DType dtype);
        return new EvaluationOptions
        {
            Policy = policy,
            Sinks = parsed.GetValue(_sinks) ?? 4,
            DType = dtype,
            Device = parsed.GetRequiredValue(_device),
            Threads = parsed.GetValue(_threads),
        };
    }

    /// <summary>Whether JSON was asked for.</summary>
    public bool Json(ParseResult parsed) => parsed.GetValue(_json);
}
