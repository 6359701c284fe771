using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.LibTorch;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>Native objects must live until the call that uses them ends (see <see cref="TorchScalars"/>).</summary>
[Collection(nameof(ConstantMemoryTests))]
public class GarbageCollectionTests
{
    private static readonly ModelConfig Shape = TestShapes.Small with { HiddenSize = 32, IntermediateSize = 64 };

    [Theory]
    [InlineData(DType.Float32, KernelSet.Auto), InlineData(DType.BFloat16, KernelSet.Auto), InlineData(DType.Int8, KernelSet.Auto)]
    [InlineData(DType.Float32, KernelSet.Libtorch), InlineData(DType.BFloat16, KernelSet.Libtorch)]
    public void Garbage_collections_during_a_step_do_not_change_its_results(DType type, KernelSet kernels)
    {
        var layout = new CacheLayout(4, 20);
        int[] ids = Logits.RandomIds(1500, TestShapes.Small.VocabularySize, seed: 4);
        List<float[]> expected = Decode(),
            actual;

        bool decoding = true;
        var collector = new Thread(() =>
        {
            while (Volatile.Read(ref decoding))
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            actual = Decode();
        }
        finally
        {
            Volatile.Write(ref decoding, false);
            collector.Join();
        }

        foreach ((float[] a, float[] b) in expected.Zip(actual))
            // Last bits differ, because the tensors have other addresses.
            Assert.InRange(Logits.Distance(b, a), 0, type == DType.Float32 ? Logits.Tolerance : 0.1);

        List<float[]> Decode()
        {
            using var decoder = Decoder.Load(
                Shape,
                new RandomWeights(seed: 7),
                new DecoderOptions
                {
                    DType = type,
                    Kernels = kernels,
                    Slots = 2,
                    Capacity = 24,
                }
            );
            return [.. new TestStream(decoder, 0, layout).Feed(ids, 1), .. new TestStream(decoder, 1, layout).Feed(ids, 3)];
        }
    }
}
