using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Chat;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Serving;

/// <summary>A checkpoint on its devices, ready to decode.</summary>
public sealed class Engine : IAsyncDisposable
{
    /// <summary>Default for the places of a slot, S + W, if the checkpoint's context is not shorter.</summary>
    public const int DefaultPlaces = 4096;

    private readonly Dictionary<string, IDecodeDevice> _devices = new(StringComparer.Ordinal);
    private readonly ChatFormat? _chat;
    private readonly InputException? _chatRefusal;

    private Engine(Checkpoint checkpoint, CacheLayout layout)
    {
        Name = checkpoint.Name;
        Folder = checkpoint.Folder;
        Fingerprint = checkpoint.Fingerprint;
        Tokenizer = Tokenizer.Load(checkpoint);
        DefaultSampling = checkpoint.Generation.Sampling;
        MaxNewTokens = checkpoint.Generation.MaxNewTokens;
        VocabularySize = checkpoint.Config.VocabularySize;
        DefaultLayout = layout;
        RequireStopStrings();
        try
        {
            _chat = ChatFormat.Load(Folder, Tokenizer);
        }
        catch (InputException e)
        {
            _chatRefusal = e; // Text without a template does not need it.
        }
        EndIds = [.. checkpoint.Generation.EndIds.Union(_chat?.EndId is int end ? [end] : [])];
    }

    /// <summary>The checkpoint's display name.</summary>
    public string Name { get; }

    /// <summary>The checkpoint's directory.</summary>
    public string Folder { get; }

    /// <summary>Identifies the checkpoint; token ids are valid only for the checkpoint that produced them.</summary>
    public string Fingerprint { get; }

    /// <summary>The checkpoint's tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The checkpoint's recommended sampling, else the project's defaults.</summary>
    public SamplingParameters DefaultSampling { get; }

    /// <summary>The checkpoint's recommended token limit of a reply; null if it has none.</summary>
    public long? MaxNewTokens { get; }

    /// <summary>Number of the model's tokens.</summary>
    public int VocabularySize { get; }

    /// <summary>Tokens that end a reply: those of the configuration, and the one with which the chat template ends a turn.</summary>
    public IReadOnlyList<int> EndIds { get; }

    /// <summary>Renders messages by the checkpoint's chat template.</summary>
    /// <exception cref="InputException">The checkpoint has no usable template.</exception>
    public ChatFormat Chat => _chat ?? throw new InputException(_chatRefusal!.Message, _chatRefusal);

    /// <summary>S and W; their sum is the capacity of each slot.</summary>
    public CacheLayout DefaultLayout { get; }

    /// <summary>The arithmetic of all devices, never <see cref="DType.Auto"/>.</summary>
    public DType DType { get; private set; }

    /// <summary>The devices by name.</summary>
    public IReadOnlyDictionary<string, IDecodeDevice> Devices => _devices;

    /// <summary>Loads a checkpoint onto its devices.</summary>
    /// <exception cref="InputException">The checkpoint or an option is wrong; nothing stays loaded.</exception>
    public static Engine Load(EngineOptions options)
    {
        using var checkpoint = Checkpoint.Open(options.Model);
        var engine = new Engine(checkpoint, LayoutOf(options, checkpoint.Config));
        try
        {
            foreach (string name in options.Devices)
            {
                var decoder = Decoder.Load(
                    checkpoint.Config,
                    checkpoint.Weights,
                    new DecoderOptions
                    {
                        DType = options.DType,
                        Device = name,
                        Slots = options.Slots,
                        Capacity = engine.DefaultLayout.Places,
                        Kernels = options.Kernels,
                        Threads = ThreadsOf(options),
                        Deterministic = options.Deterministic,
                    }
                );
                engine.DType = decoder.DType;
                var batcher = new Batcher(
                    decoder,
                    engine.Tokenizer,
                    engine.EndIds,
                    engine.Tokenizer.ControlIds,
                    new BatcherOptions { Threads = ThreadsOf(options), Checkpoint = engine.Fingerprint }
                );
                if (!engine._devices.TryAdd(name, batcher))
                    throw new InputException($"The device {name} is named twice: name each once.") { Option = nameof(options.Devices) };
            }
            return engine;
        }
        catch
        {
            engine.DisposeAsync().AsTask().GetAwaiter().GetResult(); // no job runs yet, so the device threads end at once
            throw;
        }
    }

    /// <summary>Parses the name of a type: auto, float32, bfloat16, int8 or int4.</summary>
    public static bool TryParse(string? name, out DType type)
    {
        (type, bool known) = name switch
        {
            "auto" => (DType.Auto, true),
            "float32" => (DType.Float32, true),
            "bfloat16" => (DType.BFloat16, true),
            "int8" => (DType.Int8, true),
            "int4" => (DType.Int4, true),
            _ => (DType.Auto, false),
        };
        return known;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (IDecodeDevice device in _devices.Values)
            await device.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The sinks and window that the options ask for.</summary>
    /// <exception cref="InputException">They do not fit the model.</exception>
    internal static CacheLayout LayoutOf(EngineOptions options, ModelConfig config)
    {
        int places = Math.Min(config.MaxPlaces, DefaultPlaces);
        if (options.Sinks < 0 || (options.Window is null && options.Sinks >= places))
            throw new InputException($"{options.Sinks} sinks leave no window: take 0 or more, fewer than {places}.")
            {
                Option = nameof(options.Sinks),
            };
        var layout = new CacheLayout(options.Sinks, options.Window ?? places - options.Sinks);
        if (layout.Window < 1)
            throw new InputException($"A window of {layout.Window} tokens is too short: take 1 or more.")
            {
                Option = nameof(options.Window),
            };
        if (config.SlidingWindow is int sliding && sliding <= config.ContextLength && (long)layout.Fixed + layout.Window > sliding)
        {
            throw new InputException(
                $"{layout.Fixed} sinks and a window of {layout.Window} exceed the checkpoint's sliding_window of {sliding} tokens: "
                    + $"take a window of at most {sliding - layout.Fixed}."
            )
            {
                Option = nameof(options.Window),
            };
        }
        if ((long)layout.Fixed + layout.Window > config.ContextLength)
        {
            throw new InputException(
                $"{layout.Fixed} sinks and a window of {layout.Window} exceed the checkpoint's context of {config.ContextLength} tokens: "
                    + $"take a window of at most {config.ContextLength - layout.Fixed}."
            )
            {
                Option = nameof(options.Window),
            };
        }
        return layout;
    }

    private void RequireStopStrings()
    {
        try
        {
            StopStrings.Parse(DefaultSampling.Stop, Tokenizer);
        }
        catch (InputException e)
        {
            throw new InputException($"'{Path.Combine(Folder, "generation_config.json")}': stop_strings: {e.Message}", e);
        }
    }

    private static int ThreadsOf(EngineOptions options) => options.Threads ?? Math.Max(1, Environment.ProcessorCount - 1);
}
