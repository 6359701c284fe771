using Streaming.Inference.Kernels;

namespace Streaming.Inference.Tests.Kernels;

/// <summary>Kernel sets for tests.</summary>
internal static class TestKernels
{
    /// <summary>The set, or a visible skip on a processor that does not have it.</summary>
    public static KernelSet Required(KernelSet set)
    {
        Assert.SkipUnless(KernelSets.IsSupported(set), $"This processor does not have the instructions of {set}.");
        return set;
    }
}
