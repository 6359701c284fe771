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
    [Fact]
    public void Ten_thousand_steps_leave_no_tensor_no_native_byte_and_no_managed_byte_behind()
    {
        const int window = 500;
        ModelConfig shape = Shapes.Small;
        var layout = new CacheLayout(4, window);
        using Decoder decoder = Decoder.Load(shape, new RandomWeights(seed: 7), new DecoderOptions { DType = DType.Float32, Capacity = layout.Places });
        var stream = new TestStream(decoder, 0, layout);
        var token = new int[1];
        Decode(2 * window);
        Footprint early = Footprint.Now(), late = early;
        long earlyNative = early.NativeBytes, lateNative = long.MaxValue;
        for (int w = 3; w <= 20; w++)
        {
            Decode(window);
            late = Footprint.Now();
            if (w <= 11)
                earlyNative = Math.Min(earlyNative, late.NativeBytes);
            else
                lateNative = Math.Min(lateNative, late.NativeBytes);
        }

        Assert.Equal(early.Tensors, late.Tensors);
        Assert.Equal(early.ThreadTensors, late.ThreadTensors);
        Assert.InRange(late.ManagedBytes - early.ManagedBytes, long.MinValue, 100_000); // 11 bytes a step would show

        // The runtime's own (its compiler's above all) go up and down by some 3 MB, so the least of nine windows is compared.
        Assert.InRange(lateNative - earlyNative, long.MinValue, 4_000_000);

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
