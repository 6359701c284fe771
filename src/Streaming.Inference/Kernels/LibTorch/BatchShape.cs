using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>The decoder's numbers that batches need.</summary>
/// <param name="Groups">Query heads per key-value head.</param>
/// <param name="KeyValueHeads">Key-value heads.</param>
/// <param name="Capacity">C.</param>
/// <param name="Frequencies">RoPE's angles per position.</param>
/// <param name="AttentionFactor">Factor of rotated queries and keys.</param>
/// <param name="Type">Type of the activations.</param>
/// <param name="Device">Device of the tensors.</param>
internal sealed record BatchShape(
    int Groups,
    int KeyValueHeads,
    int Capacity,
    RotaryFrequencies Frequencies,
    double AttentionFactor,
    torch.ScalarType Type,
    torch.Device Device
)
{
    /// <summary>A decoder's numbers.</summary>
    public static BatchShape Of(KernelContext context)
    {
        (ModelConfig config, DType type, torch.Device device) = (context.Config, context.Type, context.Device);
        return new BatchShape(
            config.Heads / config.KeyValueHeads,
            config.KeyValueHeads,
            context.Capacity,
            new RotaryFrequencies(config),
            config.RopeScaling?.AttentionFactor ?? 1,
            DTypes.Activations(type),
            device
        );
    }
}
