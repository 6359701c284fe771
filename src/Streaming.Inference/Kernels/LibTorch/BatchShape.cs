using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>What a batch has to know about the decoder.</summary>
/// <param name="Groups">Query heads per key-value head.</param>
/// <param name="KeyValueHeads">Key-value heads.</param>
/// <param name="Capacity">C.</param>
/// <param name="Frequencies">RoPE's, per pair of components.</param>
/// <param name="AttentionFactor">What rotations multiply queries and keys with.</param>
/// <param name="Type">Of the activations.</param>
/// <param name="Device">Of the tensors.</param>
internal sealed record BatchShape(
    int Groups,
    int KeyValueHeads,
    int Capacity,
    double[] Frequencies,
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
            RotaryFrequencies.Of(config, context.Capacity),
            config.RopeScaling?.AttentionFactor ?? 1,
            DTypes.Activations(type),
            device
        );
    }
}
