using Streaming.Inference.Checkpoints;
using Streaming.Training.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Model;

/// <summary>
/// A Llama's dense forward pass, written apart from the engine's. The residual stream is float32, products have the weights' type.
/// It has no state: several threads may compute with it.
/// </summary>
internal sealed class Network : IDisposable
{
    private readonly ModelConfig _config;
    private readonly ScalarType _type;
    private readonly Scalar _epsilon;
    private readonly RotaryTable _rotary;
    private readonly Tensor _mask; // [context, context], minus infinity above the diagonal

    /// <param name="config">What the model is: a Llama without biases, with a tied head.</param>
    /// <param name="type">The type of the products, float32 or bfloat16.</param>
    /// <param name="device">Where it computes.</param>
    public Network(ModelConfig config, ScalarType type, Device device)
    {
        (_config, _type, _epsilon) = (config, type, config.NormEpsilon);
        _rotary = new RotaryTable(config, type, device);
        using Scalar never = float.NegativeInfinity;
        _mask = full(config.ContextLength, config.ContextLength, never, dtype: type, device: device).triu(1);
        GC.KeepAlive(never);
    }

    /// <summary>What the model is.</summary>
    public ModelConfig Config => _config;

    /// <summary>Everything below the head.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="ids">Tokens, [batch, length].</param>
    /// <param name="dropout">Drops a share of what each layer adds, or null.</param>
    /// <param name="eachLayer">If given, sees each layer's number and attention weights, [batch, heads, length, length].</param>
    /// <returns>Normalised states, [batch · length, hidden].</returns>
    public Tensor HiddenStates(CastWeights weights, Tensor ids, Dropout? dropout = null, Action<int, Tensor>? eachLayer = null)
    {
        long batch = ids.shape[0],
            length = ids.shape[1];
        RotaryEmbedding rotation = _rotary.ForLength(length);
        Tensor mask = _mask[..(int)length, ..(int)length];
        Tensor x = weights.Embedding.index_select(0, ids.reshape(-1)); // [N, hidden], float32
        for (int l = 0; l < weights.Layers.Count; l++)
        {
            (CastLayer layer, int number) = (weights.Layers[l], l);

            Tensor queryKeyValue = Project(Normalise(x), layer.QueryKeyValue);
            Tensor attended = Attend(
                queryKeyValue,
                rotation,
                mask,
                batch,
                length,
                eachLayer is null ? null : seen => eachLayer(number, seen)
            );
            x = Add(x, Project(attended, layer.Output), dropout);

            Tensor[] gateUp = Project(Normalise(x), layer.GateUp).chunk(2, -1); // [N, intermediate] twice
            x = Add(x, Project(nn.functional.silu(gateUp[0]).mul(gateUp[1]), layer.Down), dropout);
        }
        return Normalise(x).mul(weights.Norm);
    }

    /// <summary>The logits after each token of one sequence, [length, vocabulary], float32.</summary>
    public Tensor Logits(CastWeights weights, ReadOnlySpan<int> ids)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return Project(HiddenStates(weights, tensor([.. ids], ScalarType.Int64, weights.Head.device).view(1, -1)), weights.Head)
            .to(ScalarType.Float32)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Releases its tables.</summary>
    public void Dispose()
    {
        _mask.Dispose();
        _rotary.Dispose();
        _epsilon.Dispose();
    }

    /// <summary>Rows over their root mean square, [N, hidden]; the norm's weight is in the matrix that follows.</summary>
    private Tensor Normalise(Tensor x) => x.mul(x.mul(x).mean([-1], keepdim: true).add(_epsilon, ScalarConstants.One).rsqrt()).to(_type);

    private static Tensor Add(Tensor x, Tensor projected, Dropout? dropout) =>
        dropout is null ? x.add(projected, ScalarConstants.One) : dropout.Add(x, projected);

    private static Tensor Project(Tensor rows, Tensor matrix) => nn.functional.linear(rows, matrix);

    /// <summary>Causal attention, [N, heads · head_dim]. Plain products: at these lengths they take a third of the time of the fused kernel, backward included.</summary>
    private Tensor Attend(Tensor queryKeyValue, RotaryEmbedding rotation, Tensor mask, long batch, long length, Action<Tensor>? see)
    {
        int heads = _config.Heads,
            shared = _config.KeyValueHeads,
            dim = _config.HeadDim,
            times = heads / shared;
        // Splits, not slices: the gradient of a slice is a whole tensor of zeros, that of a split one concatenation.
        Tensor[] parts = queryKeyValue.split([(heads + shared) * dim, shared * dim], -1);
        Tensor[] turned = rotation.Apply(parts[0].view(batch, length, heads + shared, dim)).transpose(1, 2).split([heads, shared], 1);
        Tensor queries = turned[0].reshape(batch, shared, times * length, dim); // queries of a shared key head as rows
        Tensor values = parts[1].view(batch, length, shared, dim).transpose(1, 2); // [batch, kv_heads, length, head_dim]
        Tensor scores = queries.matmul(turned[1].transpose(-1, -2)).view(batch, heads, length, length);
        Tensor attention = scores.add_(mask, ScalarConstants.One).softmax(-1);
        see?.Invoke(attention);
        return attention
            .view(batch, shared, times * length, length)
            .matmul(values)
            .view(batch, heads, length, dim)
            .transpose(1, 2)
            .reshape(batch * length, heads * dim);
    }
}
