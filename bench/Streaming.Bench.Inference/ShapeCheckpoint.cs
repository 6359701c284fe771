using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using TorchSharp;

namespace Streaming.Bench.Inference;

/// <summary>Writes a checkpoint of a known shape with random weights in bfloat16, to measure loading.</summary>
internal static class ShapeCheckpoint
{
    /// <summary>Writes the folder, tensor by tensor, unless its weights exist.</summary>
    public static void WriteOnce(string folder, ModelConfig shape)
    {
        string path = Path.Combine(folder, "model.safetensors"),
            unfinished = path + ".unfinished";
        if (File.Exists(path))
            return;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), Config(shape));
        (string Name, long[] Shape)[] tensors = [.. TensorsOf(shape)];
        using (var stream = new FileStream(unfinished, FileMode.Create))
        {
            stream.Write(Header(tensors));
            var weights = new RandomWeightSource();
            foreach ((string name, long[] size) in tensors)
            {
                using torch.Tensor tensor = weights.Read(name, size);
                stream.Write(tensor.bytes);
            }
        }
        File.Move(unfinished, path);
    }

    private static string Config(ModelConfig shape) =>
        new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["hidden_act"] = "silu",
            ["num_hidden_layers"] = shape.Layers,
            ["hidden_size"] = shape.HiddenSize,
            ["intermediate_size"] = shape.IntermediateSize,
            ["num_attention_heads"] = shape.Heads,
            ["num_key_value_heads"] = shape.KeyValueHeads,
            ["head_dim"] = shape.HeadDim,
            ["vocab_size"] = shape.VocabularySize,
            ["max_position_embeddings"] = shape.ContextLength,
            ["rope_theta"] = shape.RopeTheta,
            ["rms_norm_eps"] = shape.NormEpsilon,
            ["tie_word_embeddings"] = true,
        }.ToJsonString();

    private static IEnumerable<(string Name, long[] Shape)> TensorsOf(ModelConfig shape)
    {
        long hidden = shape.HiddenSize,
            queries = shape.Heads * shape.HeadDim,
            keys = shape.KeyValueHeads * shape.HeadDim,
            inner = shape.IntermediateSize;
        yield return (TensorNames.Embedding, [shape.VocabularySize, hidden]);
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            string prefix = TensorNames.OfLayer(layer);
            yield return (prefix + TensorNames.AttentionNorm, [hidden]);
            yield return (prefix + TensorNames.Query, [queries, hidden]);
            yield return (prefix + TensorNames.Key, [keys, hidden]);
            yield return (prefix + TensorNames.Value, [keys, hidden]);
            yield return (prefix + TensorNames.Output, [hidden, queries]);
            yield return (prefix + TensorNames.FeedForwardNorm, [hidden]);
            yield return (prefix + TensorNames.Gate, [inner, hidden]);
            yield return (prefix + TensorNames.Up, [inner, hidden]);
            yield return (prefix + TensorNames.Down, [hidden, inner]);
        }
        yield return (TensorNames.Norm, [hidden]);
    }

    private static byte[] Header((string Name, long[] Shape)[] tensors)
    {
        var header = new JsonObject();
        long place = 0;
        foreach ((string name, long[] shape) in tensors)
        {
            long end = place + 2 * shape.Aggregate((a, b) => a * b);
            header[name] = new JsonObject
            {
                ["dtype"] = "BF16",
                ["shape"] = new JsonArray([.. shape.Select(n => JsonValue.Create(n))]),
                ["data_offsets"] = new JsonArray(place, end),
            };
            place = end;
        }
        byte[] text = Encoding.UTF8.GetBytes(header.ToJsonString());
        byte[] head = new byte[8 + (text.Length + 7) / 8 * 8]; // tensors begin at a multiple of eight
        head.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteInt64LittleEndian(head, head.Length - 8);
        text.CopyTo(head, 8);
        return head;
    }
}
