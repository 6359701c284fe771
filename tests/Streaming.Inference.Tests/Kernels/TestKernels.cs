using Streaming.Inference.Kernels;

namespace Streaming.Inference.Tests.Kernels;

/// <summary>Kernel sets for tests.</summary>
internal static class TestKernels
{
    /// <summary>Returns the set; skips the test if the processor does not support it.</summary>
    public static KernelSet Required(KernelSet set)
    {
        Assert.SkipUnless(KernelSets.IsSupported(set), $"This processor does not support {set}.");
        return set;
    }
}
