using System.CommandLine;
using Streaming.Inference;
using Streaming.Inference.Decoding;

namespace Streaming.Cli.Options;

/// <summary>The options that <c>generate</c> and <c>chat</c> share.</summary>
internal sealed class GenerationOptions
{
    private const double LeastPositive = 0.000001;

    private readonly Option<string> _model = ModelOption.Create();
    private readonly Option<long?> _maxTokens = NumberOption.Create<long>("--max-tokens", "Tokens a reply may have; 0 is no limit. Default 256.", 0);
    private readonly Option<bool> _ignoreEos = new("--ignore-eos") { Description = "Goes on where the model would end." };
    private readonly Option<double?> _temperature = NumberOption.Create<double>("--temperature", "0 takes the most likely token. Default: the checkpoint's.", 0, 100);
    private readonly Option<double?> _topP = NumberOption.Create<double>("--top-p", "Keeps the likeliest tokens up to this probability. Default: the checkpoint's.", LeastPositive, 1);
    private readonly Option<int?> _topK = NumberOption.Create<int>("--top-k", "Keeps this many tokens; 0 keeps all. Default: the checkpoint's.", 0);
    private readonly Option<double?> _minP = NumberOption.Create<double>("--min-p", "Drops tokens below this share of the likeliest's probability.", 0, 1);
    private readonly Option<double?> _repeatPenalty = NumberOption.Create<double>("--repeat-penalty", "Makes tokens of the cache less likely; 1 is off.", LeastPositive, 100);
    private readonly Option<long?> _seed = NumberOption.Create<long>("--seed", "Repeats what was sampled with this seed. Default: random, see the stats.", 0);
    private readonly Option<string[]> _stop = new("--stop") { Description = "Ends a reply before this text; may be given several times.", HelpName = "TEXT" };
    private readonly Option<int?> _sinks = NumberOption.Create<int>("--sinks", "First tokens that are never forgotten. Default 4.", 0);
    private readonly Option<int?> _window = NumberOption.Create<int>("--window", "Recent tokens that are seen. Default: fills the checkpoint's context, at most 4096 with the sinks.", 1);
    private readonly Option<string> _dtype = new("--dtype") { Description = "auto, float32, bfloat16, int8 or int4.", DefaultValueFactory = _ => "auto", HelpName = "TYPE" };
    private readonly Option<int?> _threads = NumberOption.Create<int>("--threads", "Threads for the arithmetic. Default: one less than the processor has.", 1, 1024);
    private readonly Option<bool> _deterministic = new("--deterministic") { Description = "The same bits for the same input and seed, however it is chunked; for float32, int8 and int4 on the CPU." };
    private readonly Option<string?> _stats = new Option<string?>("--stats") { Description = "Writes counts and times to this JSON file.", HelpName = "FILE.json" }.NotEmpty();

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            _model, _maxTokens, _ignoreEos, _temperature, _topP, _topK, _minP, _repeatPenalty, _seed, _stop, _sinks, _window, _dtype, _threads,
            _deterministic, _stats,
        ];
        foreach (Option option in all)
            command.Add(option);
        _dtype.Validators.Add(result =>
        {
            if (!Engine.TryParse(result.GetValueOrDefault<string>(), out _))
                result.AddError($"--dtype is '{result.GetValueOrDefault<string>()}' and must be auto, float32, bfloat16, int8 or int4");
        });
    }

    /// <summary>What was given.</summary>
    /// <exception cref="InputException">The stats cannot be written there.</exception>
    public GenerationRequest Read(ParseResult parsed)
    {
        Engine.TryParse(parsed.GetValue(_dtype), out DType dtype);
        string? stats = parsed.GetValue(_stats);
        if (stats is not null && (Directory.Exists(stats) || !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(stats)))))
            throw new InputException($"The stats cannot be written to '{stats}': name a file in a folder that exists.");
        return new GenerationRequest
        {
            Model = parsed.GetRequiredValue(_model),
            MaxTokens = parsed.GetValue(_maxTokens) ?? 256,
            IgnoreEos = parsed.GetValue(_ignoreEos),
            Temperature = parsed.GetValue(_temperature),
            TopP = parsed.GetValue(_topP),
            TopK = parsed.GetValue(_topK),
            MinP = parsed.GetValue(_minP),
            RepeatPenalty = parsed.GetValue(_repeatPenalty),
            Seed = (ulong?)parsed.GetValue(_seed) ?? (ulong)Random.Shared.NextInt64(1L << 53), // exact in any JSON reader
            Stop = parsed.GetValue(_stop) ?? [],
            Sinks = parsed.GetValue(_sinks) ?? 4,
            Window = parsed.GetValue(_window),
            DType = dtype,
            Threads = parsed.GetValue(_threads),
            Deterministic = parsed.GetValue(_deterministic),
            StatsFile = stats,
        };
    }
}
