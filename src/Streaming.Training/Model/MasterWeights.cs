using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels.LibTorch;
using Streaming.Training.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Model;

/// <summary>One trainable matrix or vector.</summary>
/// <param name="Name">Hugging Face's name; fused matrices have the engine's names.</param>
/// <param name="Value">The value, float32.</param>
internal sealed record Parameter(string Name, Tensor Value);

/// <summary>The float32 master weights of a Llama without biases whose head is its embedding.</summary>
internal sealed class MasterWeights : IDisposable
{
    private const int PerLayer = 6,
        CastPerLayer = 4;

    // Indices of a layer's parameters.
    private const int AttentionNorm = 0,
        QueryKeyValue = 1,
        Output = 2,
        FeedForwardNorm = 3,
        GateUp = 4,
        Down = 5;

    private readonly Parameter[] _parameters; // the embedding, six for each layer, the norm
    private readonly ScalarType _type;

    /// <param name="config">The model's configuration.</param>
    /// <param name="type">The compute type, float32 or bfloat16.</param>
    /// <param name="device">The device of the weights.</param>
    /// <param name="seed">The seed of the initial weights, which are the same on every device.</param>
    public MasterWeights(ModelConfig config, ScalarType type, Device device, long seed)
    {
        (Config, Device, _type) = (config, device, type);
        var generator = new Generator((ulong)seed, CPU);
        using Scalar wide = 0.02,
            inner = 0.6 / Math.Sqrt(config.HiddenSize),
            outward = 0.02 / Math.Sqrt(2 * config.Layers);
        Tensor Normal(Scalar deviation, long rows, long columns) =>
            randn([rows, columns], generator: generator).mul_(deviation).to(device, disposeAfter: true);
        Tensor Ones() => ones(config.HiddenSize, device: device);

        int hidden = config.HiddenSize,
            heads = config.Heads * config.HeadDim,
            all = heads + 2 * config.KeyValueHeads * config.HeadDim;
        var parameters = new List<Parameter> { new(TensorNames.Embedding, Normal(wide, config.VocabularySize, hidden)) };
        for (int l = 0; l < config.Layers; l++)
        {
            string layer = TensorNames.OfLayer(l);
            parameters.AddRange([
                new(layer + TensorNames.AttentionNorm, Ones()),
                new(layer + TensorNames.QueryKeyValue, Normal(inner, all, hidden)),
                new(layer + TensorNames.Output, Normal(outward, hidden, heads)),
                new(layer + TensorNames.FeedForwardNorm, Ones()),
                new(layer + TensorNames.GateUp, Normal(inner, 2 * config.IntermediateSize, hidden)),
                new(layer + TensorNames.Down, Normal(outward, hidden, config.IntermediateSize)),
            ]);
        }
        parameters.Add(new(TensorNames.Norm, Ones()));
        _parameters = [.. parameters];
        GC.KeepAlive(wide);
        GC.KeepAlive(inner);
        GC.KeepAlive(outward);
    }

    /// <summary>The model's configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>The device of the weights.</summary>
    public Device Device { get; }

    /// <summary>The embedding, six parameters for each layer, the norm.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Copies the weights of a checkpoint of the same shape.</summary>
    /// <exception cref="Streaming.Inference.InputException">A weight is missing or has another shape.</exception>
    public void Load(IWeightSource weights)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        long hidden = Config.HiddenSize,
            queries = Config.Heads * Config.HeadDim,
            shared = Config.KeyValueHeads * Config.HeadDim,
            inner = Config.IntermediateSize;
        Tensor Read(string name, params ReadOnlySpan<long> shape) => weights.Read(name, shape).to(ScalarType.Float32);
        foreach ((string name, Tensor value) in _parameters)
        {
            string layer = name[
                ..(
                    name.LastIndexOf("self_attn.", StringComparison.Ordinal) is var a and >= 0
                        ? a
                        : Math.Max(0, name.LastIndexOf("mlp.", StringComparison.Ordinal))
                )
            ];
            using Tensor stored = name switch
            {
                _ when name.EndsWith(TensorNames.QueryKeyValue, StringComparison.Ordinal) => cat(
                    [
                        Read(layer + TensorNames.Query, queries, hidden),
                        Read(layer + TensorNames.Key, shared, hidden),
                        Read(layer + TensorNames.Value, shared, hidden),
                    ],
                    0
                ),
                _ when name.EndsWith(TensorNames.GateUp, StringComparison.Ordinal) => cat(
                    [Read(layer + TensorNames.Gate, inner, hidden), Read(layer + TensorNames.Up, inner, hidden)],
                    0
                ),
                _ => Read(name, value.shape),
            };
            value.copy_(stored);
        }
    }

    /// <summary>The weights of a step, in the compute type.</summary>
    public CastWeights Cast()
    {
        using IDisposable noGradient = no_grad();
        Tensor embedding = _parameters[0].Value;
        return new CastWeights(
            embedding,
            embedding.to(_type),
            [
                .. Enumerable
                    .Range(0, Config.Layers)
                    .Select(l => new CastLayer(
                        // The same function as scaling the rows before the product, at a fraction of the cost.
                        Of(l, QueryKeyValue).mul(Of(l, AttentionNorm)).to(_type),
                        Of(l, Output).to(_type),
                        Of(l, GateUp).mul(Of(l, FeedForwardNorm)).to(_type),
                        Of(l, Down).to(_type)
                    )),
            ],
            _parameters[^1].Value.to(_type)
        );
    }

    /// <summary>The gradients of the parameters, in their order, from the gradients of the cast weights.</summary>
    /// <param name="parts">For each part of a step, the gradients of <see cref="CastWeights.Trainable"/>.</param>
    /// <param name="loop">Runs the sums.</param>
    public Tensor[] Gradients(IReadOnlyList<IReadOnlyList<Tensor>> parts, ParallelLoop loop)
    {
        var gradients = new Tensor[_parameters.Length];
        loop.Run(
            parts[0].Count,
            c =>
            {
                using IDisposable noGradient = no_grad();
                // Always in the order of the parts, so that the bits do not depend on the threads.
                Tensor sum = zeros(parts[0][c].shape, device: Device);
                foreach (IReadOnlyList<Tensor> part in parts)
                    sum.add_(part[c], TorchScalars.One);

                int layer = (c - 1) / CastPerLayer,
                    first = 1 + layer * PerLayer;
                if (c == 0 || c == parts[0].Count - 1)
                    gradients[c == 0 ? 0 : ^1] = sum;
                else if ((c - 1) % CastPerLayer is 0 or 2)
                    (gradients[first + NormOf(c)], gradients[first + NormOf(c) + 1]) = Unfolded(
                        sum,
                        _parameters[first + NormOf(c)].Value,
                        _parameters[first + NormOf(c) + 1].Value
                    );
                else
                    gradients[first + ((c - 1) % CastPerLayer == 1 ? Output : Down)] = sum;
            }
        );
        return gradients;
    }

    public void Dispose()
    {
        foreach (Parameter parameter in _parameters)
            parameter.Value.Dispose();
    }

    private static int NormOf(int cast) => (cast - 1) % CastPerLayer == 0 ? AttentionNorm : FeedForwardNorm;

    /// <summary>The gradients of a norm's weight, [hidden], and of the matrix that it was multiplied into, [rows, hidden].</summary>
    private static (Tensor Norm, Tensor Matrix) Unfolded(Tensor gradient, Tensor norm, Tensor matrix)
    {
        using Tensor products = gradient.mul(matrix);
        return (products.sum([0L]), gradient.mul_(norm));
    }

    private Tensor Of(int layer, int which) => _parameters[1 + layer * PerLayer + which].Value;
}
