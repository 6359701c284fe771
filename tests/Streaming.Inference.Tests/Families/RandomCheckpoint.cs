using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Streaming.Gguf;

namespace Streaming.Inference.Tests.Families;

/// <summary>
/// A small model of any family with random weights, defined by its <c>config.json</c> and written as a folder in Hugging Face layout or
/// as a GGUF file.
/// </summary>
internal sealed class RandomCheckpoint
{
    private readonly Dictionary<string, (int[] Shape, float[] Values)> _tensors = [];
    private readonly JsonObject _config;
    private readonly Random _random;

    public RandomCheckpoint(string config, int seed)
    {
        _config = JsonNode.Parse(config)!.AsObject();
        _random = new Random(seed);
        int layers = Int("num_hidden_layers"),
            inner = Int("intermediate_size"),
            queries = Heads * HeadDim,
            keys = KeyValueHeads * HeadDim;
        bool tied = (bool?)_config["tie_word_embeddings"] == true;
        // A model tied to a large embedding repeats each token.
        Add("model.embed_tokens.weight", deviation: tied ? 0.2 : 1, Vocabulary, Hidden);
        Norm("model.norm.weight", Hidden);
        if (!tied)
            Matrix("lm_head.weight", Vocabulary, Hidden);
        for (int l = 0; l < layers; l++)
        {
            string prefix = $"model.layers.{l}.",
                attention = prefix + "self_attn.",
                feedForward = prefix + "mlp.";
            Norm(prefix + "input_layernorm.weight", Hidden);
            Norm(prefix + "post_attention_layernorm.weight", Hidden);
            if (Family == "Phi3ForCausalLM")
            {
                Matrix(attention + "qkv_proj.weight", queries + 2 * keys, Hidden);
                Matrix(feedForward + "gate_up_proj.weight", 2 * inner, Hidden);
            }
            else
            {
                bool all = (bool?)_config["attention_bias"] == true;
                Matrix(attention + "q_proj.weight", queries, Hidden, biased: all || Family == "Qwen2ForCausalLM");
                Matrix(attention + "k_proj.weight", keys, Hidden, biased: all || Family == "Qwen2ForCausalLM");
                Matrix(attention + "v_proj.weight", keys, Hidden, biased: all || Family == "Qwen2ForCausalLM");
                Matrix(feedForward + "gate_proj.weight", inner, Hidden);
                Matrix(feedForward + "up_proj.weight", inner, Hidden);
            }
            Matrix(attention + "o_proj.weight", Hidden, queries, biased: (bool?)_config["attention_bias"] == true);
            Matrix(feedForward + "down_proj.weight", Hidden, inner);
            if (Family == "Qwen3ForCausalLM")
            {
                Norm(attention + "q_norm.weight", HeadDim);
                Norm(attention + "k_norm.weight", HeadDim);
            }
        }
    }

    /// <summary>Rows of the embedding.</summary>
    public int Vocabulary => Int("vocab_size");

    private string Family => (string)_config["architectures"]![0]!;

    private int Hidden => Int("hidden_size");

    private int Heads => Int("num_attention_heads");

    private int KeyValueHeads => Int("num_key_value_heads");

    private int HeadDim => (int?)_config["head_dim"] ?? Hidden / Heads;

    /// <summary>Writes <c>config.json</c> and <c>model.safetensors</c>.</summary>
    public void SaveAsFolder(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), _config.ToJsonString());
        var header = new JsonObject();
        long offset = 0;
        foreach ((string name, (int[] shape, float[] values)) in _tensors)
        {
            long end = offset + values.Length * sizeof(float);
            header[name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. shape.Select(n => (JsonNode)n)]),
                ["data_offsets"] = new JsonArray(offset, end),
            };
            offset = end;
        }
        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString());
        using FileStream file = File.Create(Path.Combine(folder, "model.safetensors"));
        file.Write(BitConverter.GetBytes((ulong)json.Length));
        file.Write(json);
        foreach ((_, float[] values) in _tensors.Values)
            file.Write(MemoryMarshal.AsBytes(values.AsSpan()));
    }

    /// <summary>Writes the same model as GGUF, as llama.cpp's <c>convert_hf_to_gguf.py</c> does.</summary>
    public void SaveAsGguf(string path)
    {
        string architecture = Family switch
        {
            "Qwen2ForCausalLM" => "qwen2",
            "Qwen3ForCausalLM" => "qwen3",
            "Phi3ForCausalLM" => "phi3",
            _ => "llama", // also for Mistral
        };
        var model = new GgufModel(
            architecture,
            Vocabulary,
            Int("max_position_embeddings"),
            Hidden,
            Int("num_hidden_layers"),
            Int("intermediate_size"),
            Heads,
            KeyValueHeads,
            HeadDim,
            (double)_config["rms_norm_eps"]!,
            (double)_config["rope_theta"]!
        );
        var file = new GgufWriter();
        model.Describe(file);
        if (_config["rope_scaling"] is JsonObject scaling)
            AddScaling(file, architecture, scaling);
        foreach ((string name, (int[] shape, float[] values)) in _tensors)
            file.Add(GgufModel.NameOf(name), shape, model.Arrange(name, shape[0], values));
        file.Save(path);
    }

    private void AddScaling(GgufWriter file, string architecture, JsonObject scaling)
    {
        string prefix = architecture + ".rope.scaling.",
            type = (string)(scaling["rope_type"] ?? scaling["type"])!;
        double context = Int("max_position_embeddings"),
            original = (double?)(scaling["original_max_position_embeddings"] ?? _config["original_max_position_embeddings"]) ?? context;
        switch (type)
        {
            case "linear" or "yarn":
                file.Add(prefix + "type", type);
                file.Add(prefix + "factor", (double)scaling["factor"]!);
                if (type == "yarn")
                    file.Add(prefix + "original_context_length", (int)original);
                break;
            case "llama3":
                file.Add("rope_freqs.weight", [HeadDim / 2], Llama3Factors(scaling));
                break;
            case "longrope":
                file.Add(prefix + "original_context_length", (int)original);
                file.Add(prefix + "attn_factor", Math.Sqrt(1 + Math.Log(context / original) / Math.Log(original)));
                file.Add("rope_factors_short.weight", [HeadDim / 2], Floats(scaling, "short_factor"));
                file.Add("rope_factors_long.weight", [HeadDim / 2], Floats(scaling, "long_factor"));
                break;
            default:
                throw new ArgumentException($"No GGUF is written for {type}.", nameof(scaling));
        }
    }

    /// <summary>llama.cpp's divisors of angles, computed from wave lengths as in its converter.</summary>
    private float[] Llama3Factors(JsonObject scaling)
    {
        double theta = (double)_config["rope_theta"]!,
            factor = (double)scaling["factor"]!,
            low = (double)scaling["low_freq_factor"]!;
        double high = (double)scaling["high_freq_factor"]!,
            old = (double)scaling["original_max_position_embeddings"]!;
        float[] factors = new float[HeadDim / 2];
        for (int i = 0; i < factors.Length; i++)
        {
            double wave = 2 * Math.PI * Math.Pow(theta, 2.0 * i / HeadDim),
                smooth = (old / wave - low) / (high - low);
            factors[i] =
                wave < old / high ? 1
                : wave > old / low ? (float)factor
                : (float)(1 / ((1 - smooth) / factor + smooth));
        }
        return factors;
    }

    private static float[] Floats(JsonObject owner, string field) => [.. owner[field]!.AsArray().Select(n => (float)(double)n!)];

    private int Int(string field) => (int)_config[field]!;

    private void Norm(string name, int width)
    {
        Add(name, deviation: 0.1, width);
        (_, float[] values) = _tensors[name];
        for (int i = 0; i < values.Length; i++)
            values[i] += 1;
    }

    private void Matrix(string name, int rows, int columns, bool biased = false)
    {
        Add(name, deviation: 1.5 / Math.Sqrt(columns), rows, columns);
        if (biased)
            Add(name[..^"weight".Length] + "bias", deviation: 0.5, rows);
    }

    private void Add(string name, double deviation, params int[] shape)
    {
        float[] values = new float[shape.Aggregate((a, b) => a * b)];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(Math.Tau * _random.NextDouble()));
        _tensors.Add(name, (shape, values));
    }
}
