using System.Text.Json.Nodes;
using Streaming.Inference.Checkpoints;
using Streaming.Training.DataLoading;
using Streaming.Training.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Checkpoints;

/// <summary>
/// Writes a checkpoint in Hugging Face layout, with weights in bfloat16. The tokenizer's files are not written: they are in the folder
/// from the start of a run.
/// </summary>
internal static class CheckpointWriter
{
    /// <summary>Writes the configuration, then the weights, each file atomically.</summary>
    public static void Write(string folder, MasterWeights master, DocumentEncoder encoder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.Write(Path.Combine(folder, "config.json"), Config(master.Config, encoder));
        AtomicFile.Write(Path.Combine(folder, "generation_config.json"), Generation(encoder));
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (string, Tensor)[] tensors = [.. Separate(master).Select(t => (t.Name, t.Value.to(ScalarType.BFloat16)))];
        AtomicFile.Write(
            Path.Combine(folder, "model.safetensors"),
            stream => SafetensorsWriter.Write(stream, tensors, new Dictionary<string, string> { ["format"] = "pt" })
        );
    }

    /// <summary>The parameters under a Llama's names, with the fused matrices split.</summary>
    private static IEnumerable<(string Name, Tensor Value)> Separate(MasterWeights master)
    {
        ModelConfig config = master.Config;
        long queries = config.Heads * config.HeadDim,
            shared = config.KeyValueHeads * config.HeadDim;
        foreach ((string name, Tensor value) in master.Parameters)
        {
            if (name.EndsWith(TensorNames.QueryKeyValue, StringComparison.Ordinal))
            {
                string layer = name[..^TensorNames.QueryKeyValue.Length];
                yield return (layer + TensorNames.Query, value.narrow(0, 0, queries));
                yield return (layer + TensorNames.Key, value.narrow(0, queries, shared));
                yield return (layer + TensorNames.Value, value.narrow(0, queries + shared, shared));
            }
            else if (name.EndsWith(TensorNames.GateUp, StringComparison.Ordinal))
            {
                string layer = name[..^TensorNames.GateUp.Length];
                yield return (layer + TensorNames.Gate, value.narrow(0, 0, config.IntermediateSize));
                yield return (layer + TensorNames.Up, value.narrow(0, config.IntermediateSize, config.IntermediateSize));
            }
            else
            {
                yield return (name, value);
            }
        }
    }

    private static JsonObject Config(ModelConfig config, DocumentEncoder encoder) =>
        new()
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["attention_bias"] = false,
            ["attention_dropout"] = 0.0,
            ["bos_token_id"] = encoder.Bos,
            ["eos_token_id"] = new JsonArray(encoder.TurnEnd, encoder.EndOfText),
            ["head_dim"] = config.HeadDim,
            ["hidden_act"] = "silu",
            ["hidden_size"] = config.HiddenSize,
            ["initializer_range"] = 0.02,
            ["intermediate_size"] = config.IntermediateSize,
            ["max_position_embeddings"] = config.ContextLength,
            ["mlp_bias"] = false,
            ["model_type"] = "llama",
            ["num_attention_heads"] = config.Heads,
            ["num_hidden_layers"] = config.Layers,
            ["num_key_value_heads"] = config.KeyValueHeads,
            ["pretraining_tp"] = 1,
            ["rms_norm_eps"] = config.NormEpsilon,
            ["rope_scaling"] = null,
            ["rope_theta"] = config.RopeTheta,
            ["tie_word_embeddings"] = true,
            ["torch_dtype"] = "bfloat16",
            ["use_cache"] = true,
            ["vocab_size"] = config.VocabularySize,
        };

    private static JsonObject Generation(DocumentEncoder encoder) =>
        new()
        {
            ["bos_token_id"] = encoder.Bos,
            ["eos_token_id"] = new JsonArray(encoder.TurnEnd, encoder.EndOfText),
            ["pad_token_id"] = encoder.EndOfText,
            ["do_sample"] = true,
            ["temperature"] = 0.7,
            ["top_p"] = 0.9,
        };
}
