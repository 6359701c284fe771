namespace Streaming.Gguf;

/// <summary>What llama.cpp needs to know of a model, and the names and order of its tensors.</summary>
/// <param name="Architecture">llama.cpp's name: llama, qwen2, qwen3, phi3.</param>
/// <param name="Vocabulary">Rows of the embedding.</param>
/// <param name="Context">Tokens it was trained for.</param>
/// <param name="Hidden">Width of the residual stream.</param>
/// <param name="Layers">Layers.</param>
/// <param name="Inner">Width inside the feed-forward part.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key-value heads.</param>
/// <param name="HeadDim">Width of a head.</param>
/// <param name="NormEpsilon">Of the root-mean-square norms.</param>
/// <param name="RopeTheta">Base of RoPE's angles.</param>
public sealed record GgufModel(
    string Architecture,
    int Vocabulary,
    int Context,
    int Hidden,
    int Layers,
    int Inner,
    int Heads,
    int KeyValueHeads,
    int HeadDim,
    double NormEpsilon,
    double RopeTheta
)
{
    /// <summary>Writes the numbers, and a vocabulary of names without meaning.</summary>
    public void Describe(GgufWriter file)
    {
        file.Add("general.architecture", Architecture);
        file.Add(Architecture + ".vocab_size", Vocabulary);
        file.Add(Architecture + ".context_length", Context);
        file.Add(Architecture + ".embedding_length", Hidden);
        file.Add(Architecture + ".block_count", Layers);
        file.Add(Architecture + ".feed_forward_length", Inner);
        file.Add(Architecture + ".attention.head_count", Heads);
        file.Add(Architecture + ".attention.head_count_kv", KeyValueHeads);
        file.Add(Architecture + ".attention.key_length", HeadDim);
        file.Add(Architecture + ".attention.value_length", HeadDim);
        file.Add(Architecture + ".attention.layer_norm_rms_epsilon", NormEpsilon);
        file.Add(Architecture + ".rope.freq_base", RopeTheta);
        file.Add(Architecture + ".rope.dimension_count", HeadDim);
        file.Add("tokenizer.ggml.model", "gpt2");
        file.Add("tokenizer.ggml.tokens", [.. Enumerable.Range(0, Vocabulary).Select(i => $"t{i}")]);
        file.Add("tokenizer.ggml.token_type", Enumerable.Repeat(1, Vocabulary).ToArray());
        file.Add("tokenizer.ggml.merges", new[] { "t 0" });
    }

    /// <summary>
    /// A tensor's numbers in llama.cpp's order. For Llama, llama.cpp rotates neighbouring components and Hugging Face components half a
    /// head apart, so the rows of queries and keys are permuted.
    /// </summary>
    /// <param name="name">Hugging Face's name.</param>
    /// <param name="rows">The tensor's first dimension.</param>
    /// <param name="values">In Hugging Face's order.</param>
    public float[] Arrange(string name, int rows, float[] values)
    {
        if (
            Architecture != "llama"
            || (!name.Contains("q_proj", StringComparison.Ordinal) && !name.Contains("k_proj", StringComparison.Ordinal))
        )
            return values;
        int width = values.Length / rows;
        float[] result = new float[values.Length];
        for (int row = 0; row < rows; row++)
        {
            int head = row / HeadDim,
                half = row % HeadDim / (HeadDim / 2),
                pair = row % (HeadDim / 2);
            values.AsSpan(row * width, width).CopyTo(result.AsSpan((head * HeadDim + 2 * pair + half) * width, width));
        }
        return result;
    }

    /// <summary>ggml's name of a tensor by Hugging Face's.</summary>
    public static string NameOf(string name) =>
        name.Replace("model.embed_tokens", "token_embd", StringComparison.Ordinal)
            .Replace("model.norm", "output_norm", StringComparison.Ordinal)
            .Replace("lm_head", "output", StringComparison.Ordinal)
            .Replace("model.layers.", "blk.", StringComparison.Ordinal)
            .Replace("input_layernorm", "attn_norm", StringComparison.Ordinal)
            .Replace("post_attention_layernorm", "ffn_norm", StringComparison.Ordinal)
            .Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal)
            .Replace("self_attn.", "attn_", StringComparison.Ordinal)
            .Replace("mlp.gate_up_proj", "ffn_up", StringComparison.Ordinal)
            .Replace("mlp.", "ffn_", StringComparison.Ordinal)
            .Replace("_proj", "", StringComparison.Ordinal);
}
