using Streaming.Inference.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Learning;

/// <summary>
/// A Llama that learns: the dense forward pass, written apart from the engine's. Masters and residual stream are float32,
/// products have the type that was asked for.
/// </summary>
internal sealed class Network : IDisposable
{
    /// <summary>One layer. Queries, keys and values share a matrix, as do gate and up.</summary>
    /// <param name="AttentionNorm">[hidden].</param>
    /// <param name="QueryKeyValue">[(heads + 2 · kv_heads) · head_dim, hidden].</param>
    /// <param name="Output">[hidden, heads · head_dim].</param>
    /// <param name="FeedForwardNorm">[hidden].</param>
    /// <param name="GateUp">[2 · intermediate, hidden].</param>
    /// <param name="Down">[hidden, intermediate].</param>
    private sealed record Layer(Tensor AttentionNorm, Tensor QueryKeyValue, Tensor Output, Tensor FeedForwardNorm, Tensor GateUp, Tensor Down);

    private readonly ModelConfig _config;
    private readonly ScalarType _type;
    private readonly Tensor _embedding; // [vocabulary, hidden]; the head is its transpose
    private readonly Layer[] _layers;
    private readonly Tensor _norm;      // [hidden]
    private readonly Scalar _epsilon;
    private readonly RotaryTable _rotary;
    private readonly Tensor _mask;      // [context, context], minus infinity above the diagonal

    /// <param name="config">What the model is: a Llama without biases, with a tied head.</param>
    /// <param name="type">The type of the products, float32 or bfloat16.</param>
    /// <param name="seed">What the first weights are drawn with.</param>
    public Network(ModelConfig config, ScalarType type, long seed)
    {
        (_config, _type, _epsilon) = (config, type, config.NormEpsilon);
        Generator generator = new((ulong)seed, CPU);
        using Scalar wide = 0.02, inner = 0.6 / Math.Sqrt(config.HiddenSize), outward = 0.02 / Math.Sqrt(2 * config.Layers);
        Tensor Normal(Scalar deviation, long rows, long columns) => randn(rows, columns, generator: generator).mul_(deviation).requires_grad_(true);
        Tensor Ones() => ones(config.HiddenSize).requires_grad_(true);

        int heads = config.Heads * config.HeadDim, all = heads + 2 * config.KeyValueHeads * config.HeadDim;
        _embedding = Normal(wide, config.VocabularySize, config.HiddenSize);
        _layers = [.. Enumerable.Range(0, config.Layers).Select(_ => new Layer(
            Ones(), Normal(inner, all, config.HiddenSize), Normal(outward, config.HiddenSize, heads),
            Ones(), Normal(inner, 2 * config.IntermediateSize, config.HiddenSize), Normal(outward, config.HiddenSize, config.IntermediateSize)))];
        _norm = Ones();
        _rotary = new RotaryTable(config, type);
        using Scalar never = float.NegativeInfinity;
        _mask = full(config.ContextLength, config.ContextLength, never).triu(1).to(type);
        Parameters =
        [
            new(TensorNames.Embedding, _embedding),
            .. _layers.SelectMany((layer, l) => Named(TensorNames.OfLayer(l), layer)),
            new(TensorNames.Norm, _norm),
        ];
    }

    /// <summary>All that is learnt.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>What the model is.</summary>
    public ModelConfig Config => _config;

    /// <summary>Everything below the head.</summary>
    /// <param name="ids">Tokens, [batch, length].</param>
    /// <param name="eachLayer">If given, sees each layer's number and attention weights, [batch, heads, length, length].</param>
    /// <returns>Normalised states, [batch · length, hidden].</returns>
    public Tensor States(Tensor ids, Action<int, Tensor>? eachLayer = null)
    {
        long batch = ids.shape[0], length = ids.shape[1];
        Rotation rotation = _rotary.Of(length);
        Tensor mask = _mask[..(int)length, ..(int)length];
        Tensor x = _embedding.index_select(0, ids.reshape(-1));                                  // [N, hidden], float32
        for (int l = 0; l < _layers.Length; l++)
        {
            Layer layer = _layers[l];

            Tensor queryKeyValue = Project(Normalise(x), Scaled(layer.QueryKeyValue, layer.AttentionNorm));
            Tensor attended = Attend(queryKeyValue, rotation, mask, batch, length, eachLayer is null ? null : weights => eachLayer(l, weights));
            x = x.add(Project(attended, layer.Output.to(_type)), Scalars.One);

            Tensor gateUp = Project(Normalise(x), Scaled(layer.GateUp, layer.FeedForwardNorm));   // [N, 2 · intermediate]
            Tensor[] parts = gateUp.chunk(2, -1);
            x = x.add(Project(nn.functional.silu(parts[0]).mul(parts[1]), layer.Down.to(_type)), Scalars.One);
        }
        return Normalise(x).mul(_norm.to(_type));
    }

    /// <summary>The head, [vocabulary, hidden], in the products' type, without a gradient.</summary>
    public Tensor Head()
    {
        using IDisposable noGradient = no_grad();
        return _embedding.detach().to(_type);
    }

    /// <summary>Adds what the head learnt to the embedding's gradient.</summary>
    /// <param name="gradient">[vocabulary, hidden], float32.</param>
    public void AddHeadGradient(Tensor gradient)
    {
        using IDisposable noGradient = no_grad();
        if (_embedding.grad is { } known)
            known.add_(gradient, Scalars.One);
        else
            _embedding.grad = gradient.clone().DetachFromDisposeScope();
    }

    /// <summary>The logits after each token of one sequence, [length, vocabulary], float32.</summary>
    public Tensor Logits(ReadOnlySpan<int> ids)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return Project(States(tensor([.. ids], ScalarType.Int64).view(1, -1)), Head()).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Releases the weights.</summary>
    public void Dispose()
    {
        foreach (Parameter parameter in Parameters)
        {
            parameter.Value.grad?.Dispose();
            parameter.Value.Dispose();
        }
        _mask.Dispose();
        _rotary.Dispose();
        _epsilon.Dispose();
    }

    private static IEnumerable<Parameter> Named(string prefix, Layer layer) =>
    [
        new(prefix + TensorNames.AttentionNorm, layer.AttentionNorm),
        new(prefix + TensorNames.QueryKeyValue, layer.QueryKeyValue),
        new(prefix + TensorNames.Output, layer.Output),
        new(prefix + TensorNames.FeedForwardNorm, layer.FeedForwardNorm),
        new(prefix + TensorNames.GateUp, layer.GateUp),
        new(prefix + TensorNames.Down, layer.Down),
    ];

    /// <summary>Rows over their root mean square, [N, hidden]; the norm's weight is in the matrix that follows (<see cref="Scaled"/>).</summary>
    private Tensor Normalise(Tensor x) => x.mul(x.mul(x).mean([-1], keepdim: true).add(_epsilon, Scalars.One).rsqrt()).to(_type);

    /// <summary>A matrix with the weight of the norm before it: the same function, and much less to compute than scaling the rows.</summary>
    private Tensor Scaled(Tensor matrix, Tensor norm) => matrix.mul(norm).to(_type);

    private static Tensor Project(Tensor rows, Tensor matrix) => nn.functional.linear(rows, matrix);

    /// <summary>Causal attention, [N, heads · head_dim]. Plain products: at these lengths they take a third of the time of the fused kernel, backward included.</summary>
    private Tensor Attend(Tensor queryKeyValue, Rotation rotation, Tensor mask, long batch, long length, Action<Tensor>? see)
    {
        int heads = _config.Heads, shared = _config.KeyValueHeads, dim = _config.HeadDim, times = heads / shared;
        // Splits, not slices: the gradient of a slice is a whole tensor of zeros, that of a split one concatenation.
        Tensor[] parts = queryKeyValue.split([(heads + shared) * dim, shared * dim], -1);
        Tensor[] turned = rotation.Turn(parts[0].view(batch, length, heads + shared, dim)).transpose(1, 2).split([heads, shared], 1);
        Tensor queries = turned[0].reshape(batch, shared, times * length, dim);                   // queries of a shared key head as rows
        Tensor values = parts[1].view(batch, length, shared, dim).transpose(1, 2);               // [batch, kv_heads, length, head_dim]
        Tensor scores = queries.matmul(turned[1].transpose(-1, -2)).view(batch, heads, length, length);
        Tensor weights = scores.add_(mask, Scalars.One).softmax(-1);
        see?.Invoke(weights);
        return weights.view(batch, shared, times * length, length).matmul(values)
            .view(batch, heads, length, dim).transpose(1, 2).reshape(batch * length, heads * dim);
    }
}
