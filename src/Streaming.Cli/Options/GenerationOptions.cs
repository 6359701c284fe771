using System.CommandLine;
using System.Globalization;
using Streaming.Inference;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;

namespace Streaming.Cli.Options;

/// <summary>The options that <c>generate</c> and <c>chat</c> share.</summary>
internal sealed class GenerationOptions
{
    private const double LeastPositive = 0.000001;

    private readonly Option<string> _model = ModelOption.Create();
    private readonly Option<long?> _maxTokens = NumberOption.Create<long>(
        "--max-tokens",
        "The most tokens of a reply; 0 for no limit. Default: the checkpoint's, else 256.",
        0
    );
    private readonly Option<bool> _ignoreEos = new("--ignore-eos") { Description = "Continues where the model would end the reply." };
    private readonly Option<double?> _temperature = NumberOption.Create<double>(
        "--temperature",
        "Sampling temperature; 0 always takes the most likely token. Default: the checkpoint's.",
        0,
        100
    );
    private readonly Option<double?> _topP = NumberOption.Create<double>(
        "--top-p",
        "Samples from the most likely tokens whose probabilities add up to this. Default: the checkpoint's.",
        LeastPositive,
        1
    );
    private readonly Option<int?> _topK = NumberOption.Create<int>(
        "--top-k",
        "Samples from this many of the most likely tokens; 0 for all. Default: the checkpoint's.",
        0
    );
    private readonly Option<double?> _minP = NumberOption.Create<double>(
        "--min-p",
        "Excludes tokens less likely than this share of the most likely token's probability. Default: the checkpoint's.",
        0,
        1
    );
    private readonly Option<double?> _repeatPenalty = NumberOption.Create<double>(
        "--repeat-penalty",
        "Makes tokens in the cache less likely; 1 is off. Default: the checkpoint's.",
        SamplingParameters.LeastRepeatPenalty,
        100
    );
    private readonly Option<double?> _typicalP = NumberOption.Create<double>(
        "--typical-p",
        "Samples from the tokens nearest to the expected information whose probabilities add up to this. Default: the checkpoint's.",
        LeastPositive,
        1
    );
    private readonly Option<int?> _noRepeatNgramSize = NumberOption.Create<int>(
        "--no-repeat-ngram-size",
        "Never repeats a sequence of this many tokens that is in the cache; 0 is off. Default: the checkpoint's.",
        0
    );
    private readonly Option<string[]> _suppressTokens = IdLists("--suppress-tokens", "Never samples these tokens.");
    private readonly Option<string[]> _beginSuppressTokens = IdLists(
        "--begin-suppress-tokens",
        "Does not begin a reply with these tokens."
    );
    private readonly Option<string[]> _badWordsIds = IdLists("--bad-words-ids", "Never samples the last of these tokens after the others.");
    private readonly Option<long?> _minNewTokens = NumberOption.Create<long>(
        "--min-new-tokens",
        "The least tokens of a reply before an end token; 0 is off. Default: the checkpoint's.",
        0
    );
    private readonly Option<string[]> _logitBias = new("--logit-bias")
    {
        Description = "Adds a number from -100 to 100 to the logit of a token id (see `streaming tokenize`); may be repeated.",
        HelpName = "ID=NUMBER",
    };
    private readonly Option<string?> _logProbabilities = new Option<string?>("--logprobs")
    {
        Description = "Writes each token's log-probability, before sampling options apply, to this file, one JSON object per line.",
        HelpName = "FILE.jsonl",
    }.NotEmpty();
    private readonly Option<int?> _topLogProbabilities = NumberOption.Create<int>(
        "--top-logprobs",
        "With --logprobs: also writes this many of the most likely tokens. Default 0.",
        0,
        20
    );
    private readonly Option<long?> _seed = NumberOption.Create<long>(
        "--seed",
        "Seed of sampling; the same seed repeats a reply. Default: random, reported in the stats.",
        0
    );
    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "Ends a reply before this text or control token; may be repeated.",
        HelpName = "TEXT",
    };
    private readonly Option<int?> _sinks = NumberOption.Create<int>("--sinks", "First tokens that are never evicted. Default 4.", 0);
    private readonly Option<int?> _window = NumberOption.Create<int>(
        "--window",
        "Recent tokens in attention. Default: fills the checkpoint's context, at most 4096 with the sinks.",
        1
    );
    private readonly Option<DType?> _dtype = DTypeOption.Create();
    private readonly Option<string> _device = DeviceOption.Create();
    private readonly Option<int?> _threads = ThreadsOption.Create("one less than the number of processors");
    private readonly Option<bool> _deterministic = new("--deterministic")
    {
        Description = "Gives the same bits for the same input and seed, however it is chunked; for float32, int8 and int4 on the CPU.",
    };
    private readonly Option<string?> _stats = new Option<string?>("--stats")
    {
        Description = "Writes counts and times to this JSON file.",
        HelpName = "FILE.json",
    }.NotEmpty();

    /// <summary>Adds the options to a command.</summary>
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
            _typicalP,
            _repeatPenalty,
            _noRepeatNgramSize,
            _suppressTokens,
            _beginSuppressTokens,
            _badWordsIds,
            _minNewTokens,
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
    }

    /// <summary>Reads the options.</summary>
    /// <exception cref="InputException">
    /// A logit bias or a list of ids cannot be read, a file's folder does not exist, or --top-logprobs was given without --logprobs.
    /// </exception>
    public GenerationRequest Read(ParseResult parsed)
    {
        if (parsed.GetValue(_topLogProbabilities) is not null && parsed.GetValue(_logProbabilities) is null)
            throw new InputException("--top-logprobs needs a file to write to: add --logprobs FILE.jsonl.");
        return new GenerationRequest
        {
            Model = parsed.GetRequiredValue(_model),
            MaxTokens = parsed.GetValue(_maxTokens),
            IgnoreEos = parsed.GetValue(_ignoreEos),
            Temperature = parsed.GetValue(_temperature),
            TopP = parsed.GetValue(_topP),
            TopK = parsed.GetValue(_topK),
            MinP = parsed.GetValue(_minP),
            TypicalP = parsed.GetValue(_typicalP),
            RepeatPenalty = parsed.GetValue(_repeatPenalty),
            NoRepeatNgramSize = parsed.GetValue(_noRepeatNgramSize),
            SuppressTokens = IdsOf(parsed, _suppressTokens)?.SelectMany(ids => ids).ToArray(),
            BeginSuppressTokens = IdsOf(parsed, _beginSuppressTokens)?.SelectMany(ids => ids).ToArray(),
            BadWordsIds = IdsOf(parsed, _badWordsIds),
            MinNewTokens = parsed.GetValue(_minNewTokens),
            LogitBias = BiasOf(parsed.GetValue(_logitBias) ?? []),
            LogProbabilitiesFile = WritableFile(parsed.GetValue(_logProbabilities), "log-probabilities"),
            TopLogProbabilities = parsed.GetValue(_topLogProbabilities) ?? 0,
            Seed = (ulong?)parsed.GetValue(_seed) ?? (ulong)Random.Shared.NextInt64(1L << 53), // exact in any JSON reader
            Stop = parsed.GetValue(_stop) is { Length: > 0 } stop ? stop : null,
            Sinks = parsed.GetValue(_sinks) ?? 4,
            Window = parsed.GetValue(_window),
            DType = parsed.GetValue(_dtype) ?? DType.Auto,
            Device = parsed.GetRequiredValue(_device),
            Threads = parsed.GetValue(_threads),
            Deterministic = parsed.GetValue(_deterministic),
            StatsFile = WritableFile(parsed.GetValue(_stats), "stats"),
        };
    }

    private static Option<string[]> IdLists(string name, string what) =>
        new(name) { Description = $"{what} Ids (see `streaming tokenize`) with commas between; may be repeated.", HelpName = "ID,ID" };

    /// <summary>The lists of an option; null if it is not given.</summary>
    private static int[][]? IdsOf(ParseResult parsed, Option<string[]> option)
    {
        string[] texts = parsed.GetValue(option) ?? [];
        return texts.Length == 0 ? null : [.. texts.Select(text => text.Split(',').Select(id => IdOf(id, text)).ToArray())];

        int IdOf(string id, string text) =>
            int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
                ? value
                : throw new InputException($"{option.Name} is '{text}' and must be token ids with commas between, as in 42,7.");
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
                throw new InputException($"--logit-bias is '{text}' and must be a token id and a number from -100 to 100, as in 42=-100.");
            }
            bias[id] = value;
        }
        return bias;
    }
}
