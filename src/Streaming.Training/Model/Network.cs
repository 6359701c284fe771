using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels.LibTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Model;

/// <summary>
/// A Llama's dense forward pass, independent of the engine's. The residual stream is float32; products have the compute type. It is
/// stateless, so several threads may share it.
/// </summary>
internal sealed class Network : IDisposable
{
    private readonly ModelConfig _config;
    private readonly ScalarType _type;
    private readonly Scalar _epsilon;
    private readonly RotaryTable _rotary;
    private readonly Tensor _mask; // [context, context], minus infinity above the diagonal

    /// <param name="config">The configuration of a Llama without biases and with a tied head.</param>
    /// <param name="type">The compute type, float32 or bfloat16.</param>
    /// <param name="device">The device.</param>
    public Network(ModelConfig config, ScalarType type, Device device)
    {
        (_config, _type, _epsilon) = (config, type, config.NormEpsilon);
        _rotary = new RotaryTable(config, type, device);
        using Scalar never = float.NegativeInfinity;
        _mask = full(config.ContextLength, config.ContextLength, never, dtype: type, device: device).triu(1);
        GC.KeepAlive(never);
    }

    /// <summary>The model's configuration.</summary>
    public ModelConfig Config => _config;

    /// <summary>The forward pass without the head.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="ids">Token ids, [batch, length].</param>
    /// <param name="dropout">Applied to each residual addition; null for none.</param>
    /// <param name="eachLayer">If given, receives each layer's index and attention weights, [batch, heads, length, length].</param>
    /// <returns>The normalised hidden states, [batch · length, hidden].</returns>
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

    /// <summary>Releases the rotary table and the mask.</summary>
    public void Dispose()
    {
        _mask.Dispose();
        _rotary.Dispose();
        _epsilon.Dispose();
    }

    /// <summary>Rows divided by their root mean square, [N, hidden]; the norm's weight is in the matrix that follows.</summary>
    private Tensor Normalise(Tensor x) => x.mul(x.mul(x).mean([-1], keepdim: true).add(_epsilon, TorchScalars.One).rsqrt()).to(_type);

    private static Tensor Add(Tensor x, Tensor projected, Dropout? dropout) =>
        dropout is null ? x.add(projected, TorchScalars.One) : dropout.Add(x, projected);

    private static Tensor Project(Tensor rows, Tensor matrix) => nn.functional.linear(rows, matrix);

    /// <summary>
    /// Causal attention, [N, heads · head_dim]. It uses plain products: at these lengths, forward and backward take a third of the
    /// fused kernel's time.
    /// </summary>
    private Tensor Attend(Tensor queryKeyValue, RotaryEmbedding rotation, Tensor mask, long batch, long length, Action<Tensor>? see)
    {
        int heads = _config.Heads,
            shared = _config.KeyValueHeads,
            dim = _config.HeadDim,
            times = heads / shared;
        // Splits instead of slices: a slice's gradient is a full tensor of zeros, a split's gradient is one concatenation.
        Tensor[] parts = queryKeyValue.split([(heads + shared) * dim, shared * dim], -1);
        Tensor[] turned = rotation.Apply(parts[0].view(batch, length, heads + shared, dim)).transpose(1, 2).split([heads, shared], 1);
        Tensor queries = turned[0].reshape(batch, shared, times * length, dim); // rows: all queries of a key-value head
        Tensor values = parts[1].view(batch, length, shared, dim).transpose(1, 2); // [batch, kv_heads, length, head_dim]
        Tensor scores = queries.matmul(turned[1].transpose(-1, -2)).view(batch, heads, length, length);
        Tensor attention = scores.add_(mask, TorchScalars.One).softmax(-1);
        see?.Invoke(attention);
        return attention
            .view(batch, shared, times * length, length)
            .matmul(values)
            .view(batch, heads, length, dim)
            .transpose(1, 2)
            .reshape(batch * length, heads * dim);
    }
}
