using System.CommandLine;
using System.Globalization;
using Streaming.Inference;
using Streaming.Inference.Kernels;
using Streaming.Inference.Serving;
using Streaming.Training;

namespace Streaming.Cli.Options;

/// <summary>The options of <c>train</c>.</summary>
internal sealed class TrainOptions
{
    private static readonly TrainingOptions Default = new()
    {
        Mixture = "",
        Data = "",
        Work = "",
        Output = "",
    };

    private readonly Option<string> _mixture = Path("--mixture", "The mixture of training texts, a JSON file.", "FILE.json");
    private readonly Option<string> _data = Path("--data", "The folder to which the paths in the mixture are relative.", "DIR");
    private readonly Option<string> _work = Path(
        "--work",
        "The folder for the training's state, from which it resumes, and its metrics.",
        "DIR"
    );
    private readonly Option<string> _output = Path("--output", "The folder for the checkpoint.", "DIR");
    private readonly Option<string?> _tokenizer = new Option<string?>("--tokenizer")
    {
        Description = "A folder with the tokenizer to use. Default: that of --from, or else one is trained.",
        HelpName = "DIR",
    }.NotEmpty();
    private readonly Option<string?> _from = new Option<string?>("--from")
    {
        Description = "A checkpoint of the same shape from which a new training starts.",
        HelpName = "DIR",
    }.NotEmpty();
    private readonly Option<int?> _vocabulary = NumberOption.Create<int>(
        "--vocabulary",
        $"Size of a vocabulary that is trained. Default {Default.Vocabulary}.",
        261,
        1_000_000
    );
    private readonly Option<int?> _layers = NumberOption.Create<int>("--layers", $"Layers. Default {Default.Layers}.", 1, 1000);
    private readonly Option<int?> _hidden = NumberOption.Create<int>("--hidden", $"Hidden size. Default {Default.Hidden}.", 2, 65536);
    private readonly Option<int?> _intermediate = NumberOption.Create<int>(
        "--intermediate",
        $"Intermediate size of the feed-forward network. Default {Default.Intermediate}.",
        1,
        1_000_000
    );
    private readonly Option<int?> _heads = NumberOption.Create<int>("--heads", $"Query heads. Default {Default.Heads}.", 1, 1024);
    private readonly Option<int?> _keyValueHeads = NumberOption.Create<int>(
        "--kv-heads",
        $"Key-value heads. Default {Default.KeyValueHeads}.",
        1,
        1024
    );
    private readonly Option<int?> _headDim = NumberOption.Create<int>(
        "--head-dim",
        $"Dimensions of a head. Default {Default.HeadDim}.",
        2,
        1024
    );
    private readonly Option<long?> _tokens = NumberOption.Create<long>(
        "--tokens",
        $"Total training tokens, including earlier runs. Default {Default.Tokens}.",
        1
    );
    private readonly Option<int?> _batch = NumberOption.Create<int>("--batch", $"Tokens in a step. Default {Default.Batch}.", 8);
    private readonly Option<string> _lengths = new("--lengths")
    {
        Description = "Tokens in a sequence, each with the share of the training after which it applies.",
        HelpName = "N[@SHARE],...",
        DefaultValueFactory = _ =>
            string.Join(
                ',',
                Default.Lengths.Select(l =>
                    l.From == 0 ? $"{l.Tokens}" : string.Create(CultureInfo.InvariantCulture, $"{l.Tokens}@{l.From}")
                )
            ),
    };
    private readonly Option<double?> _rate = NumberOption.Create<double>("--rate", "Peak learning rate. Default 0.0025.", 0.000001, 1);
    private readonly Option<int?> _warmUp = NumberOption.Create<int>("--warm-up", $"Warm-up steps. Default {Default.WarmUp}.", 1);
    private readonly Option<double?> _sinkShare = NumberOption.Create<double>(
        "--sink-share",
        "Adds a sink loss: heads should leave this share of their attention on the start token. Default: no sink loss.",
        0.01,
        0.99
    );
    private readonly Option<double?> _sinkWeight = NumberOption.Create<double>(
        "--sink-weight",
        "Weight of the sink loss in each layer. Default 0.1.",
        0.000001,
        100
    );
    private readonly Option<double?> _dropout = NumberOption.Create<double>(
        "--dropout",
        "Dropout probability on what each layer adds. Default 0.",
        0,
        0.9
    );
    private readonly Option<string> _device = DeviceOption.Create();
    private readonly Option<DType?> _dtype = ChoiceOption.Create<DType>(
        "--dtype",
        "TYPE",
        "bfloat16 or float32",
        static (string? text, out DType type) => Engine.TryParse(text, out type) && type is DType.BFloat16 or DType.Float32,
        " The compute type. Default bfloat16."
    );
    private readonly Option<int?> _threads = ThreadsOption.Create("one per processor");
    private readonly Option<long?> _seed = NumberOption.Create<long>(
        "--seed",
        "Seed of the initial weights, the order of the texts and dropout. Default 1.",
        0
    );
    private readonly Option<int?> _evaluateEvery = NumberOption.Create<int>(
        "--evaluate-every",
        $"Steps between evaluations on held-out texts. Default {Default.EvaluateEvery}.",
        1
    );
    private readonly Option<int?> _patience = NumberOption.Create<int>(
        "--patience",
        "Stops after this many evaluations without a better held-out loss; 0 for never. Default 0.",
        0
    );
    private readonly Option<double?> _saveMinutes = NumberOption.Create<double>(
        "--save-minutes",
        "Minutes between saved states. Default 10.",
        0,
        1440
    );
    private readonly Option<int?> _steps = NumberOption.Create<int>(
        "--steps",
        "Pauses this run after this many steps. Default: no limit.",
        1
    );

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            _mixture,
            _data,
            _work,
            _output,
            _tokenizer,
            _from,
            _vocabulary,
            _layers,
            _hidden,
            _intermediate,
            _heads,
            _keyValueHeads,
            _headDim,
            _tokens,
            _batch,
            _lengths,
            _rate,
            _warmUp,
            _sinkShare,
            _sinkWeight,
            _dropout,
            _dtype,
            _device,
            _threads,
            _seed,
            _evaluateEvery,
            _patience,
            _saveMinutes,
            _steps,
        ];
        foreach (Option option in all)
            command.Add(option);
    }

    /// <summary>Reads the options.</summary>
    /// <exception cref="InputException">The lengths cannot be read.</exception>
    public TrainingOptions Read(ParseResult parsed) =>
        new()
        {
            Mixture = parsed.GetRequiredValue(_mixture),
            Data = parsed.GetRequiredValue(_data),
            Work = parsed.GetRequiredValue(_work),
            Output = parsed.GetRequiredValue(_output),
            Tokenizer = parsed.GetValue(_tokenizer),
            From = parsed.GetValue(_from),
            Vocabulary = parsed.GetValue(_vocabulary) ?? Default.Vocabulary,
            Layers = parsed.GetValue(_layers) ?? Default.Layers,
            Hidden = parsed.GetValue(_hidden) ?? Default.Hidden,
            Intermediate = parsed.GetValue(_intermediate) ?? Default.Intermediate,
            Heads = parsed.GetValue(_heads) ?? Default.Heads,
            KeyValueHeads = parsed.GetValue(_keyValueHeads) ?? Default.KeyValueHeads,
            HeadDim = parsed.GetValue(_headDim) ?? Default.HeadDim,
            Tokens = parsed.GetValue(_tokens) ?? Default.Tokens,
            Batch = parsed.GetValue(_batch) ?? Default.Batch,
            Lengths = [.. parsed.GetRequiredValue(_lengths).Split(',').Select(LengthOf)],
            Rate = parsed.GetValue(_rate) ?? Default.Rate,
            WarmUp = parsed.GetValue(_warmUp) ?? Default.WarmUp,
            SinkShare = parsed.GetValue(_sinkShare),
            SinkWeight = parsed.GetValue(_sinkWeight) ?? Default.SinkWeight,
            Dropout = parsed.GetValue(_dropout) ?? 0,
            Device = parsed.GetRequiredValue(_device),
            Float32 = parsed.GetValue(_dtype) == DType.Float32,
            Threads = parsed.GetValue(_threads),
            Seed = parsed.GetValue(_seed) ?? Default.Seed,
            EvaluateEvery = parsed.GetValue(_evaluateEvery) ?? Default.EvaluateEvery,
            Patience = parsed.GetValue(_patience) ?? Default.Patience,
            SaveEvery = TimeSpan.FromMinutes(parsed.GetValue(_saveMinutes) ?? Default.SaveEvery.TotalMinutes),
            Steps = parsed.GetValue(_steps),
        };

    private static SequenceLength LengthOf(string text)
    {
        string[] parts = text.Split('@');
        double from = 0;
        bool read =
            int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int tokens)
            && (
                parts.Length == 1
                || (parts.Length == 2 && double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out from))
            );
        return read
            ? new SequenceLength(tokens, from)
            : throw new InputException($"--lengths has '{text}': write lengths as in 256,512@0.45,1024@0.8.");
    }

    private static Option<string> Path(string name, string description, string kind) =>
        new Option<string>(name)
        {
            Description = description,
            HelpName = kind,
            Required = true,
        }.NotEmpty();
}
