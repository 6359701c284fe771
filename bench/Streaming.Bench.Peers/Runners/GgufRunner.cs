using Streaming.Gguf;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using TorchSharp;

namespace Streaming.Bench.Peers.Runners;

/// <summary>Writes a shape with the random weights that this engine uses as a GGUF file.</summary>
internal static class GgufRunner
{
    public static async Task RunAsync(string shape, GgmlType type, string path)
    {
        ModelConfig config = Shapes.Of(shape);
        GgufModel model = Shapes.ForLlamaCpp(config);
        var source = new RandomWeightSource();
        var file = new GgufWriter();
        model.Describe(file);
        Add("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize);
        Add("model.norm.weight", config.HiddenSize);
        int queries = config.Heads * config.HeadDim,
            keys = config.KeyValueHeads * config.HeadDim;
        for (int layer = 0; layer < config.Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            Add(prefix + "input_layernorm.weight", config.HiddenSize);
            Add(prefix + "self_attn.q_proj.weight", queries, config.HiddenSize);
            Add(prefix + "self_attn.k_proj.weight", keys, config.HiddenSize);
            Add(prefix + "self_attn.v_proj.weight", keys, config.HiddenSize);
            Add(prefix + "self_attn.o_proj.weight", config.HiddenSize, queries);
            Add(prefix + "post_attention_layernorm.weight", config.HiddenSize);
            Add(prefix + "mlp.gate_proj.weight", config.IntermediateSize, config.HiddenSize);
            Add(prefix + "mlp.up_proj.weight", config.IntermediateSize, config.HiddenSize);
            Add(prefix + "mlp.down_proj.weight", config.HiddenSize, config.IntermediateSize);
        }
        string unfinished = path + ".part";
        file.Save(unfinished);
        File.Move(unfinished, path, overwrite: true);
        await RunnerLoop.RunAsync($"{new FileInfo(path).Length} bytes", RunnerLoop.Unknown);

        void Add(string name, params int[] dimensions) =>
            file.Add(
                GgufModel.NameOf(name),
                dimensions,
                dimensions.Length == 1 ? GgmlType.F32 : type,
                () => model.Arrange(name, dimensions[0], Read(name, dimensions))
            );

        float[] Read(string name, int[] dimensions)
        {
            using torch.Tensor stored = source.Read(name, [.. dimensions.Select(n => (long)n)]);
            using torch.Tensor wide = stored.to(torch.ScalarType.Float32);
            return wide.data<float>().ToArray();
        }
    }
}
