using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>
/// Biases of keys and values that the projection leaves out, because the cache stores keys and values without them: in int8 a large
/// bias would take the precision of all other elements. The attention adds their share exactly.
/// </summary>
/// <param name="Keys">[kv_heads · head_dim], float32, on the CPU; null if keys contain their bias, because a norm follows it.</param>
/// <param name="Values">[kv_heads · head_dim], float32, on the CPU.</param>
internal sealed record KeyValueBias(torch.Tensor? Keys, torch.Tensor Values)
{
    public IEnumerable<torch.Tensor> Tensors => Keys is null ? [Values] : [Keys, Values];
}
