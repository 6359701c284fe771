using System.Numerics;
using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>
/// StreamingLLM as defined in the paper (Xiao et al. 2023, section 3.2), in float64, one token at a time. Keys are kept unrotated. For
/// every query, the S sinks and the W most recent tokens get their positions inside the cache, 0, 1, 2, ..., and are rotated anew. With a
/// window that is never full it is dense attention. It shares no code with the engine.
/// </summary>
internal sealed class PaperOracle
{
    private readonly ModelConfig _model;
    private readonly int _sinks;
    private readonly int _window;
    private readonly Layer[] _layers;
    private readonly double[] _embedding;
    private readonly double[] _norm;
    private readonly double[] _head;
    private int _tokens;

    public PaperOracle(ModelConfig model, IWeightSource weights, int sinks, int window)
    {
        _model = model;
        _sinks = sinks;
        _window = window;
        int q = model.Heads * model.HeadDim,
            kv = model.KeyValueHeads * model.HeadDim,
            h = model.HiddenSize,
            inner = model.IntermediateSize;
        _embedding = Read("model.embed_tokens.weight", model.VocabularySize, h);
        _norm = Read("model.norm.weight", h);
        _head = model.TiedHead ? _embedding : Read("lm_head.weight", model.VocabularySize, h);
        _layers =
        [
            .. Enumerable
                .Range(0, model.Layers)
                .Select(l => $"model.layers.{l}.")
                .Select(p => new Layer(
                    Read(p + "input_layernorm.weight", h),
                    Read(p + "self_attn.q_proj.weight", q, h),
                    Read(p + "self_attn.k_proj.weight", kv, h),
                    Read(p + "self_attn.v_proj.weight", kv, h),
                    Read(p + "self_attn.o_proj.weight", h, q),
                    Read(p + "post_attention_layernorm.weight", h),
                    Read(p + "mlp.gate_proj.weight", inner, h),
                    Read(p + "mlp.up_proj.weight", inner, h),
                    Read(p + "mlp.down_proj.weight", h, inner),
                    model.QueryKeyValueBias ? Read(p + "self_attn.q_proj.bias", q) : new double[q],
                    model.QueryKeyValueBias ? Read(p + "self_attn.k_proj.bias", kv) : new double[kv],
                    model.QueryKeyValueBias ? Read(p + "self_attn.v_proj.bias", kv) : new double[kv]
                )),
        ];

        double[] Read(string name, params long[] shape)
        {
            using torch.Tensor tensor = weights.Read(name, shape);
            using torch.Tensor single = tensor.to(torch.ScalarType.Float32);
            return Array.ConvertAll(single.data<float>().ToArray(), value => (double)value);
        }
    }

    /// <summary>Feeds a token and returns its logits.</summary>
    public double[] Feed(int id)
    {
        double[] x = _embedding[(id * _model.HiddenSize)..((id + 1) * _model.HiddenSize)];
        foreach (Layer layer in _layers)
        {
            double[] normed = Norm(x, layer.AttentionNorm);
            layer.Keys.Add(Sum(Multiply(layer.Key, normed), layer.KeyBias));
            layer.Values.Add(Sum(Multiply(layer.Value, normed), layer.ValueBias));
            Add(x, Multiply(layer.Output, Attend(layer, Sum(Multiply(layer.Query, normed), layer.QueryBias))));

            normed = Norm(x, layer.FeedForwardNorm);
            double[] gate = Multiply(layer.Gate, normed),
                up = Multiply(layer.Up, normed);
            for (int i = 0; i < gate.Length; i++)
                gate[i] = gate[i] / (1 + Math.Exp(-gate[i])) * up[i];
            Add(x, Multiply(layer.Down, gate));
        }
        _tokens++;
        return Multiply(_head, Norm(x, _norm));
    }

    /// <summary>Feeds tokens and returns the logits of each.</summary>
    public double[][] FeedAll(IEnumerable<int> ids) => [.. ids.Select(Feed)];

    private double[] Attend(Layer layer, double[] query)
    {
        int last = _tokens;
        List<int> cache = [];
        for (int token = 0; token <= last; token++)
        {
            if (token < _sinks || token > last - _window)
                cache.Add(token);
        }

        int d = _model.HeadDim,
            group = _model.Heads / _model.KeyValueHeads;
        double[] result = new double[query.Length];
        double[][] rotatedKeys = new double[cache.Count][];
        for (int at = 0; at < cache.Count; at++)
            rotatedKeys[at] = Rotate(layer.Keys[cache[at]], at);
        double[] rotatedQuery = Rotate(query, cache.Count - 1);
        double[] weights = new double[cache.Count];
        for (int head = 0; head < _model.Heads; head++)
        {
            int kv = head / group;
            for (int at = 0; at < cache.Count; at++)
                weights[at] = Dot(rotatedQuery.AsSpan(head * d, d), rotatedKeys[at].AsSpan(kv * d, d)) / Math.Sqrt(d);
            double max = weights.Max();
            for (int at = 0; at < cache.Count; at++)
                weights[at] = Math.Exp(weights[at] - max);
            double sum = weights.Sum();
            for (int at = 0; at < cache.Count; at++)
            {
                double[] value = layer.Values[cache[at]];
                for (int i = 0; i < d; i++)
                    result[head * d + i] += weights[at] / sum * value[kv * d + i];
            }
        }
        return result;
    }

    /// <summary>RoPE in Hugging Face's half-split form, with the same position for every head.</summary>
    private double[] Rotate(double[] heads, int position)
    {
        int d = _model.HeadDim,
            half = d / 2;
        double[] rotated = new double[heads.Length];
        for (int i = 0; i < half; i++)
        {
            double angle = position / Math.Pow(_model.RopeTheta, 2.0 * i / d);
            double cosine = Math.Cos(angle),
                sine = Math.Sin(angle);
            for (int start = 0; start < heads.Length; start += d)
            {
                double a = heads[start + i],
                    b = heads[start + half + i];
                rotated[start + i] = a * cosine - b * sine;
                rotated[start + half + i] = a * sine + b * cosine;
            }
        }
        return rotated;
    }

    private double[] Norm(double[] x, double[] weight)
    {
        double scale = 1 / Math.Sqrt(Dot(x, x) / x.Length + _model.NormEpsilon);
        return [.. x.Zip(weight, (value, w) => value * scale * w)];
    }

    private static double[] Multiply(double[] rows, double[] x)
    {
        double[] result = new double[rows.Length / x.Length];
        for (int row = 0; row < result.Length; row++)
            result[row] = Dot(rows.AsSpan(row * x.Length, x.Length), x);
        return result;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        Vector<double> sums = Vector<double>.Zero;
        int i = 0;
        for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count)
            sums += new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
        double sum = Vector.Sum(sums);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static double[] Sum(double[] x, double[] y)
    {
        Add(x, y);
        return x;
    }

    private static void Add(double[] x, double[] y)
    {
        for (int i = 0; i < x.Length; i++)
            x[i] += y[i];
    }

    private sealed record Layer(
        double[] AttentionNorm,
        double[] Query,
        double[] Key,
        double[] Value,
        double[] Output,
        double[] FeedForwardNorm,
        double[] Gate,
        double[] Up,
        double[] Down,
        double[] QueryBias,
        double[] KeyBias,
        double[] ValueBias
    )
    {
        public List<double[]> Keys { get; } = [];

        public List<double[]> Values { get; } = [];
    }
}
