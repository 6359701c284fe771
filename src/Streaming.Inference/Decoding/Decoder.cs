using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.LibTorch;
using Streaming.Inference.Memory;
using Streaming.Inference.Snapshots;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>
/// A transformer decoder of the Llama kind with a sink cache for several conversations on one device. Not thread-safe.
/// </summary>
public sealed class Decoder : IDisposable
{
    private readonly DecoderWeights _weights;
    private readonly SinkCache _cache;
    private readonly IKernels _kernels;
    private readonly torch.Device _device;
    private readonly bool _deterministic;
    private readonly Workspace _logits; // [M, vocabulary]
    private readonly HashSet<int> _slotsOfPass = [];

    internal Decoder(ModelConfig config, DecoderWeights weights, DecoderOptions options, DType type, torch.Device device, IKernels kernels)
    {
        Config = config;
        DType = type;
        Kernels = KernelSets.Resolve(options.Kernels, device.type);
        _deterministic = options.Deterministic;
        _device = device;
        Slots = options.Slots;
        Capacity = options.Capacity;
        _weights = weights;
        _kernels = kernels;
        _logits = new Workspace(config.VocabularySize);
        _cache = new SinkCache(config.Layers, Slots, config.KeyValueHeads, Capacity, config.HeadDim, kernels.CacheType, device);
    }

    /// <summary>The model's configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>The arithmetic, never <see cref="DType.Auto"/>.</summary>
    public DType DType { get; }

    /// <summary>The kernels, never <see cref="KernelSet.Auto"/>.</summary>
    public KernelSet Kernels { get; }

    /// <summary>Number of slots: conversations whose tensors are held at a time.</summary>
    public int Slots { get; }

    /// <summary>C, places of a slot.</summary>
    public int Capacity { get; }

    /// <summary>Bytes allocated for keys and values of all slots.</summary>
    public long CacheBytes => Config.Layers * _cache[0].Bytes;

    /// <summary>Reads a model's weights and allocates its cache.</summary>
    /// <exception cref="InputException">A weight is missing or has another shape, or an option is impossible.</exception>
    public static Decoder Load(ModelConfig config, IWeightSource weights, DecoderOptions options) =>
        Load(config, weights, options, KernelFactory.Create);

    internal static Decoder Load(ModelConfig config, IWeightSource weights, DecoderOptions options, Func<KernelContext, IKernels> kernels)
    {
        if (options.Slots < 1)
            throw new InputException($"A decoder needs at least one slot, not {options.Slots}.");
        if (options.Capacity < 1)
            throw new InputException($"A slot needs at least one place, not {options.Capacity}.");
        if (options.Capacity > config.MaxPlaces)
            throw new InputException(
                $"A slot of {options.Capacity} places exceeds the maximum of {config.MaxPlaces} by the checkpoint's context "
                    + "and sliding window: take fewer."
            );
        if (config.HeadDim % 2 != 0 || config.Heads % config.KeyValueHeads != 0)
            throw new InputException(
                $"The model's heads are impossible: {config.Heads} query and {config.KeyValueHeads} key-value heads of {config.HeadDim}."
            );
        torch.Device device = TorchDevices.Of(options.Device);
        DType type = DTypes.Resolve(options.DType, device, options.Deterministic);
        using IDisposable noGradient = torch.no_grad();
        IKernels operations = kernels(
            new KernelContext(
                config,
                type,
                device,
                KernelSets.Resolve(options.Kernels, device.type),
                options.Capacity,
                options.Threads,
                options.Deterministic
            )
        );
        try
        {
            using var loader = new WeightLoader(config, weights, type, device, operations, options.Threads);
            DecoderWeights loaded = loader.Load();
            NativeHeap.Trim(); // frees what loading took besides the weights
            return new Decoder(config, loaded, options, type, device, operations);
        }
        catch
        {
            operations.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Tokens from a stream's end that, after the fixed part, rebuild a slot exactly: each layer sees W - 1 tokens further back.
    /// </summary>
    public int RebuildLength(int window) => checked(Config.Layers * (window - 1) + 1);

    /// <summary>Clears a slot.</summary>
    public void Clear(int slot)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, Slots);
        using IDisposable noGradient = torch.no_grad();
        using DisposeScope scope = torch.NewDisposeScope();
        _cache.Clear(slot);
    }

    /// <summary>The kind of its snapshots.</summary>
    /// <param name="checkpoint">The checkpoint's fingerprint.</param>
    internal SnapshotKind KindOf(string checkpoint) =>
        new()
        {
            Checkpoint = checkpoint,
            Arithmetic = $"{DType} {_device.type} {Kernels} {KernelSets.Version}{(_deterministic ? " deterministic" : "")}",
            Elements = _cache[0].Type.ToString(),
            Layers = Config.Layers,
            KeyValueHeads = Config.KeyValueHeads,
            HeadDim = Config.HeadDim,
            Capacity = Capacity,
        };

    /// <summary>How a snapshot divides a slot.</summary>
    internal CacheParts Parts => _cache[0].Parts;

    /// <summary>
    /// Copies rows of a slot to the CPU: for each layer the parts of <see cref="Parts"/>, [kv_heads, rows, width]. The caller disposes
    /// them.
    /// </summary>
    internal torch.Tensor[] CopyOut(int slot, long[] rows)
    {
        using IDisposable noGradient = torch.no_grad();
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor[] copies = _cache.CopyOut(slot, torch.tensor(rows, device: _device));
        foreach (torch.Tensor copy in copies)
            copy.DetachFromDisposeScope();
        return copies;
    }

    /// <summary>Fills rows of a slot with the tensors of <see cref="CopyOut"/>, and clears the others.</summary>
    internal void CopyIn(int slot, long[] rows, IReadOnlyList<torch.Tensor> tensors)
    {
        using IDisposable noGradient = torch.no_grad();
        using DisposeScope scope = torch.NewDisposeScope();
        _cache.CopyIn(slot, torch.tensor(rows, device: _device), tensors);
    }

    /// <summary>Feeds each segment to its slot, in one pass through the layers.</summary>
    /// <param name="segments">At least one; each slot at most once.</param>
    /// <returns>
    /// Logits of the requested rows, in the order of the segments: [rows, vocabulary], float32, contiguous, on the CPU. The caller
    /// disposes them. Null if no rows are requested.
    /// </returns>
    /// <exception cref="ArgumentException">A segment contradicts its layout, the decoder or another segment.</exception>
    public torch.Tensor? Forward(IReadOnlyList<Segment> segments)
    {
        using IDisposable inference = torch.inference_mode(true);
        using DisposeScope scope = torch.NewDisposeScope();
        return Pass(segments, logitsInto: null)?.cpu().contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// As <see cref="Forward"/>, but the logits may be in the decoder's own memory, so that a step allocates no tensor. They are valid
    /// until its next pass or the end of the current dispose scope. The caller may overwrite them, but must not dispose them.
    /// </summary>
    internal torch.Tensor? Step(IReadOnlyList<Segment> segments)
    {
        using IDisposable inference = torch.inference_mode(true);
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor? logits = Pass(segments, _logits);
        return logits is null || _logits.Owns(logits) ? logits : logits.cpu().contiguous().MoveToOuterDisposeScope();
    }

    private torch.Tensor? Pass(IReadOnlyList<Segment> segments, Workspace? logitsInto)
    {
        Check(segments);
        var batch = Batch.Of(segments);
        _kernels.BeginStep(batch);
        torch.Tensor x = _kernels.Embed(_weights.Embedding); // [N, hidden]
        for (int l = 0; l < _weights.Layers.Count; l++)
        {
            LayerWeights layer = _weights.Layers[l];

            torch.Tensor queryKeyValue = _kernels.Project(_kernels.Normalise(x, layer.AttentionNorm), layer.QueryKeyValue);
            if (layer.HeadNorm is { } headNorm)
                _kernels.NormaliseHeads(queryKeyValue, headNorm);
            torch.Tensor attended = _kernels.Attend(queryKeyValue, _cache[l], layer.KeyValueBias); // [N, heads · head_dim]
            _kernels.AddProjected(x, attended, layer.Output);

            torch.Tensor gateUp = _kernels.Project(_kernels.Normalise(x, layer.FeedForwardNorm), layer.GateUp);
            _kernels.AddProjected(x, _kernels.Gate(gateUp), layer.Down);
        }
        if (batch.LogitRows.Length == 0)
            return null;

        torch.Tensor last = _kernels.SelectLogitRows(x); // [M, hidden]
        torch.Tensor normed = _kernels.Normalise(last, _weights.Norm);
        return _kernels.Head(normed, _weights.Head, logitsInto?.Take(batch.LogitRows.Length)); // [M, vocabulary]
    }

    /// <summary>Releases weights and cache.</summary>
    public void Dispose()
    {
        _logits.Dispose();
        _cache.Dispose();
        _weights.Dispose();
        _kernels.Dispose();
    }

    private void Check(IReadOnlyList<Segment> segments)
    {
        if (segments.Count == 0)
            throw new ArgumentException("There is nothing to feed.", nameof(segments));
        _slotsOfPass.Clear();
        for (int s = 0; s < segments.Count; s++)
        {
            Segment segment = segments[s];
            CacheLayout layout = segment.Layout;
            if (segment.Slot < 0 || segment.Slot >= Slots || !_slotsOfPass.Add(segment.Slot))
                throw new ArgumentException($"Slot {segment.Slot} is not one of {Slots}, or is used twice.", nameof(segments));
            if (layout.Fixed < 0 || layout.Window < 1 || layout.Places > Capacity)
                throw new ArgumentException(
                    $"A layout of {layout.Fixed}+{layout.Window} does not fit {Capacity} places.",
                    nameof(segments)
                );
            bool continues =
                segment.Fed < layout.Fixed ? segment.Fed >= 0 && segment.Position == segment.Fed : segment.Position >= segment.Fed;
            if (segment.Ids.IsEmpty || !continues)
                throw new ArgumentException(
                    $"{segment.Ids.Length} tokens at position {segment.Position} do not continue a slot that was fed {segment.Fed}.",
                    nameof(segments)
                );
            foreach (int id in segment.Ids.Span)
            {
                if (id < 0 || id >= Config.VocabularySize)
                    throw new ArgumentException($"Token {id} is not in the vocabulary of {Config.VocabularySize}.", nameof(segments));
            }
        }
    }
}
