using System.CommandLine;
using System.Globalization;
using Streaming.Inference;
using Streaming.Inference.Kernels;
using Streaming.Inference.Serving;

namespace Streaming.Cli.Options;

/// <summary>The options that <c>generate</c> and <c>chat</c> share.</summary>
internal sealed class GenerationOptions
{
    private const double LeastPositive = 0.000001;

    private readonly Option<string> _model = ModelOption.Create();
    private readonly Option<long?> _maxTokens = NumberOption.Create<long>(
        "--max-tokens",
        "Tokens a reply may have; 0 is no limit. Default 256.",
        0
    );
    private readonly Option<bool> _ignoreEos = new("--ignore-eos") { Description = "Goes on where the model would end." };
    private readonly Option<double?> _temperature = NumberOption.Create<double>(
        "--temperature",
        "0 takes the most likely token. Default: the checkpoint's.",
        0,
        100
    );
    private readonly Option<double?> _topP = NumberOption.Create<double>(
        "--top-p",
        "Keeps the likeliest tokens up to this probability. Default: the checkpoint's.",
        LeastPositive,
        1
    );
    private readonly Option<int?> _topK = NumberOption.Create<int>(
        "--top-k",
        "Keeps this many tokens; 0 keeps all. Default: the checkpoint's.",
        0
    );
    private readonly Option<double?> _minP = NumberOption.Create<double>(
        "--min-p",
        "Drops tokens below this share of the likeliest's probability.",
        0,
        1
    );
    private readonly Option<double?> _repeatPenalty = NumberOption.Create<double>(
        "--repeat-penalty",
        "Makes tokens of the cache less likely; 1 is off.",
        LeastPositive,
        100
    );
    private readonly Option<string[]> _logitBias = new("--logit-bias")
    {
        Description = "Added to a token's logit, -100 to 100; may be given several times. Ids: streaming tokenize.",
        HelpName = "ID=NUMBER",
    };
    private readonly Option<string?> _logProbabilities = new Option<string?>("--logprobs")
    {
        Description = "Writes each token's log-probability, as the model holds it, to this file, a JSON line each.",
        HelpName = "FILE.jsonl",
    }.NotEmpty();
    private readonly Option<int?> _topLogProbabilities = NumberOption.Create<int>(
        "--top-logprobs",
        "With --logprobs: the likeliest tokens in its place, too. Default 0.",
        0,
        20
    );
    private readonly Option<long?> _seed = NumberOption.Create<long>(
        "--seed",
        "Repeats what was sampled with this seed. Default: random, see the stats.",
        0
    );
    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "Ends a reply before this text; may be given several times.",
        HelpName = "TEXT",
    };
    private readonly Option<int?> _sinks = NumberOption.Create<int>("--sinks", "First tokens that are never forgotten. Default 4.", 0);
    private readonly Option<int?> _window = NumberOption.Create<int>(
        "--window",
        "Recent tokens that are seen. Default: fills the checkpoint's context, at most 4096 with the sinks.",
        1
    );
    private readonly Option<string> _dtype = new("--dtype")
    {
        Description = "auto, float32, bfloat16, int8 or int4.",
        DefaultValueFactory = _ => "auto",
        HelpName = "TYPE",
    };
    private readonly Option<string> _device = DeviceOption.Create();
    private readonly Option<int?> _threads = NumberOption.Create<int>(
        "--threads",
        "Threads for the arithmetic. Default: one less than the processor has.",
        1,
        1024
    );
    private readonly Option<bool> _deterministic = new("--deterministic")
    {
        Description = "The same bits for the same input and seed, however it is chunked; for float32, int8 and int4 on the CPU.",
    };
    private readonly Option<string?> _stats = new Option<string?>("--stats")
    {
        Description = "Writes counts and times to this JSON file.",
        HelpName = "FILE.json",
    }.NotEmpty();

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            _model,
            _maxTokens,
            _ignoreEos,
            _temperature,
            _topP,
            _topK,
            _minP,
            _repeatPenalty,
            _logitBias,
            _logProbabilities,
            _topLogProbabilities,
            _seed,
            _stop,
            _sinks,
            _window,
            _dtype,
            _device,
            _threads,
            _deterministic,
            _stats,
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
        if (parsed.GetValue(_topLogProbabilities) is not null && parsed.GetValue(_logProbabilities) is null)
            throw new InputException("--top-logprobs needs a file to write to: add --logprobs FILE.jsonl.");
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
            LogitBias = BiasOf(parsed.GetValue(_logitBias) ?? []),
            LogProbabilitiesFile = WritableFile(parsed.GetValue(_logProbabilities), "log-probabilities"),
            TopLogProbabilities = parsed.GetValue(_topLogProbabilities) ?? 0,
            Seed = (ulong?)parsed.GetValue(_seed) ?? (ulong)Random.Shared.NextInt64(1L << 53), // exact in any JSON reader
            Stop = parsed.GetValue(_stop) ?? [],
            Sinks = parsed.GetValue(_sinks) ?? 4,
            Window = parsed.GetValue(_window),
            DType = dtype,
            Device = parsed.GetRequiredValue(_device),
            Threads = parsed.GetValue(_threads),
            Deterministic = parsed.GetValue(_deterministic),
            StatsFile = WritableFile(parsed.GetValue(_stats), "stats"),
        };
    }

    private static string? WritableFile(string? file, string what) =>
        file is null || (!Directory.Exists(file) && Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(file))))
            ? file
            : throw new InputException($"The {what} cannot be written to '{file}': name a file in a folder that exists.");

    private static Dictionary<int, double> BiasOf(string[] texts)
    {
        var bias = new Dictionary<int, double>();
        foreach (string text in texts)
        {
            string[] parts = text.Split('=');
            if (
                parts.Length != 2
                || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                || !(Math.Abs(value) <= 100)
            )
            {
                throw new InputException(
                    $"--logit-bias is '{text}' and must be a token's id and a number from -100 to 100, as in 42=-100."
                );
            }
            bias[id] = value;
        }
        return bias;
    }
}
