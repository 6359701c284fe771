using System.Runtime.Intrinsics.X86;
using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Kernels;

/// <summary>The arithmetic of a decoder.</summary>
public enum DType
{
    /// <summary><see cref="BFloat16"/> if the processor has it in hardware or the device is a GPU, else <see cref="Float32"/>.</summary>
    Auto,

    /// <summary>Weights and cache in float32.</summary>
    Float32,

    /// <summary>Weights and cache in bfloat16; norms and softmax are summed up in float32.</summary>
    BFloat16,

    /// <summary>
    /// Weights in int8 with a scale per row. The managed kernels keep keys and values in int8 too, with a scale each. The rest is as in
    /// <see cref="BFloat16"/>. CPU only.
    /// </summary>
    Int8,

    /// <summary>
    /// As <see cref="Int8"/>, but the layers' weights have 4 bits with a scale per 32 weights of a row. Managed kernels only.
    /// </summary>
    Int4,
}

/// <summary>The meaning of a <see cref="DType"/> on a device.</summary>
internal static class DTypes
{
    /// <summary>
    /// Resolves <see cref="DType.Auto"/> for a device. In deterministic mode it is float32, because bfloat16's products depend on the
    /// batch.
    /// </summary>
    /// <exception cref="InputException">The device does not have the type, or cannot be deterministic with it.</exception>
    public static DType Resolve(DType type, torch.Device device, bool deterministic = false)
    {
        if (deterministic && device.type != DeviceType.CPU)
            throw new InputException(
                $"Deterministic mode is for the CPU only, and the device is {device}: use cpu, or switch deterministic mode off."
            );
        if (deterministic && type == DType.BFloat16)
            throw new InputException(
                "Deterministic mode does not support bfloat16: choose float32, int8 or int4, or switch deterministic mode off."
            );
        if (deterministic && type == DType.Auto)
            return DType.Float32;
        if (type is DType.Int8 or DType.Int4 && device.type != DeviceType.CPU)
            throw new InputException($"The type {NameOf(type)} is for the CPU only, and the device is {device}: choose bfloat16.");
        if (type != DType.Auto)
            return type;
        return device.type != DeviceType.CPU || ProcessorHasBFloat16() ? DType.BFloat16 : DType.Float32;
    }

    /// <summary>The name of a type in settings.</summary>
    public static string NameOf(DType type) => type.ToString().ToLowerInvariant();

    /// <summary>Refuses a model whose rows have a width that a type's kernels do not support.</summary>
    /// <exception cref="InputException">A width is not a multiple of <paramref name="multiple"/>.</exception>
    public static void CheckWidths(DType type, ModelConfig config, int multiple)
    {
        foreach (int width in (int[])[config.HiddenSize, config.Heads * config.HeadDim, config.IntermediateSize])
        {
            if (width % multiple != 0)
                throw new InputException(
                    $"The type {NameOf(type)} needs widths that are multiples of {multiple}, and this model has one of {width}: "
                        + "choose bfloat16 or float32."
                );
        }
    }

    /// <summary>The element type of norms, biases and embeddings, and of activations and cache unless the kernels use another.</summary>
    public static torch.ScalarType Activations(DType type) => type == DType.Float32 ? torch.ScalarType.Float32 : torch.ScalarType.BFloat16;

    /// <summary>CPUID leaf 7: AVX512_BF16 (subleaf 1, EAX bit 5) or AMX-BF16 (subleaf 0, EDX bit 22).</summary>
    private static bool ProcessorHasBFloat16()
    {
        if (!Avx512F.IsSupported || X86Base.CpuId(0, 0).Eax < 7)
            return false;
        (int subleaves, _, _, int edx) = X86Base.CpuId(7, 0);
        bool amx = (edx & (1 << 22)) != 0;
        bool avx512 = subleaves >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;
        return amx || avx512;
    }
}
