using System.Runtime.InteropServices;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>Counts of a whole process: nothing else may run beside them.</summary>
[CollectionDefinition(nameof(ConstantMemoryTests), DisableParallelization = true)]
[Collection(nameof(ConstantMemoryTests))]
public class ConstantMemoryTests
{
    [Theory]
    [InlineData(KernelSet.Libtorch, 2), InlineData(KernelSet.Auto, 100)] // the compiler improves managed kernels for a while, in native memory
    public void Ten_thousand_steps_leave_no_tensor_no_native_byte_and_no_managed_byte_behind(KernelSet kernels, int warmUpWindows)
    {
        const int window = 500;
        ModelConfig shape = Shapes.Small;
        var layout = new CacheLayout(4, window);
        using Decoder decoder = Decoder.Load(shape, new RandomWeights(seed: 7), new DecoderOptions { DType = DType.Float32, Capacity = layout.Places, Kernels = kernels });
        var stream = new TestStream(decoder, 0, layout);
        var token = new int[1];
        Decode(warmUpWindows * window);
        Footprint early = Footprint.Now();
        Decode(18 * window);
        Footprint late = Footprint.Now();

        Assert.Equal(early.Tensors, late.Tensors);
        Assert.Equal(early.ThreadTensors, late.ThreadTensors);
        Assert.InRange(late.NativeBytes - early.NativeBytes, long.MinValue, 300_000); // 9,000 steps: 33 bytes a step would show
        Assert.InRange(late.ManagedBytes - early.ManagedBytes, long.MinValue, 100_000); // 11 bytes a step would show

        void Decode(int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                using torch.Tensor? logits = decoder.Forward([stream.Next(token, LogitRows.Last)]);
                using torch.Tensor best = logits!.argmax();
                token[0] = (int)best.item<long>();
            }
        }
    }

    private readonly record struct Footprint(long Tensors, long ThreadTensors, long NativeBytes, long ManagedBytes)
    {
        public static Footprint Now()
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            return new Footprint(
                torch.Tensor.TotalCount, DisposeScopeManager.Statistics.ThreadTotalLiveCount,
                OperatingSystem.IsLinux() ? BytesInUse() : 0, GC.GetTotalMemory(forceFullCollection: true));
        }

        /// <summary>glibc's bytes in use, in all arenas and in mapped blocks.</summary>
        private static long BytesInUse()
        {
            MallInfo info = mallinfo2();
            return info.InUse + info.Mapped;
        }

        [DllImport("libc")]
        private static extern MallInfo mallinfo2();

        [StructLayout(LayoutKind.Sequential)]
        private struct MallInfo
        {
            public nint Arena, FreeChunks, FastChunks, MappedBlocks, Mapped, Unused, FastFree, InUse, Free, Top;
        }
    }
}
