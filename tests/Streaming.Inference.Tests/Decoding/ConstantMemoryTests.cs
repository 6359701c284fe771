using System.Runtime.InteropServices;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>Counts memory of the whole process, so no other test may run at the same time.</summary>
[CollectionDefinition(nameof(ConstantMemoryTests), DisableParallelization = true)]
[Collection(nameof(ConstantMemoryTests))]
public class ConstantMemoryTests
{
    [Theory]
    [InlineData(KernelSet.Libtorch), InlineData(KernelSet.Auto)]
    public void Ten_thousand_steps_leak_no_tensor_and_no_native_or_managed_memory(KernelSet kernels)
    {
        const int window = 500,
            rounds = 5,
            steps = 2_000;
        ModelConfig shape = TestShapes.Small;
        var layout = new CacheLayout(4, window);
        using var decoder = Decoder.Load(
            shape,
            new RandomWeights(seed: 7),
            new DecoderOptions
            {
                DType = DType.Float32,
                Capacity = layout.Places,
                Kernels = kernels,
            }
        );
        var stream = new TestStream(decoder, 0, layout);
        int[] token = new int[1];
        Decode(2 * window);
        var footprints = new Footprint[rounds + 1];
        footprints[0] = Footprint.Now();
        for (int round = 1; round <= rounds; round++)
        {
            Decode(steps);
            footprints[round] = Footprint.Now();
        }

        Assert.All(footprints, footprint => Assert.Equal(footprints[0].Tensors, footprint.Tensors));
        Assert.All(footprints, footprint => Assert.Equal(footprints[0].ThreadTensors, footprint.ThreadTensors));
        // The compiler and the collector also allocate occasionally, but a step that leaks does so in every round.
        Assert.InRange(Least(footprint => footprint.NativeBytes), long.MinValue, 32 * steps);
        Assert.InRange(Least(footprint => footprint.ManagedBytes), long.MinValue, 10 * steps);

        long Least(Func<Footprint, long> bytes) =>
            footprints.Zip(footprints.Skip(1), (before, after) => bytes(after) - bytes(before)).Min();

        void Decode(int count)
        {
            for (int step = 0; step < count; step++)
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
                torch.Tensor.TotalCount,
                DisposeScopeManager.Statistics.ThreadTotalLiveCount,
                OperatingSystem.IsLinux() ? BytesInUse() : 0,
                GC.GetTotalMemory(forceFullCollection: true)
            );
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
            public nint Arena,
                FreeChunks,
                FastChunks,
                MappedBlocks,
                Mapped,
                Unused,
                FastFree,
                InUse,
                Free,
                Top;
        }
    }
}
