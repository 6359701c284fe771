using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>The cost of smaller types, on a text outside the starter's training data.</summary>
public class PerplexityByTypeTests
{
    private const int Tokens = 2_000;

    [Fact]
    public void Perplexity_of_bfloat16_and_int8_is_within_one_percent_and_of_int4_within_three()
    {
        string book = Path.Combine(ModelFolders.Root, "tests", "fixtures", "books", "Great-Expectations_1400.txt");
        using var checkpoint = Checkpoint.Open(ModelFolders.Starter);
        var tokenizer = Tokenizer.Load(checkpoint);
        int[] ids = tokenizer.Encode(File.ReadAllText(book)[..12_000], parseControl: false, addSpecial: true)[..Tokens];

        double exact = PerplexityOf(checkpoint, ids, DType.Float32),
            half = PerplexityOf(checkpoint, ids, DType.BFloat16),
            small = PerplexityOf(checkpoint, ids, DType.Int8),
            smallest = PerplexityOf(checkpoint, ids, DType.Int4);

        TestContext.Current.SendDiagnosticMessage(
            $"Perplexity over {Tokens} tokens, 4+252: float32 {exact:f3}, bfloat16 {half:f3}, int8 {small:f3}, int4 {smallest:f3}"
        );
        Assert.InRange(half / exact, 0.99, 1.01);
        Assert.InRange(small / half, 0.99, 1.01);
        Assert.InRange(smallest / half, 0.99, 1.03);
    }

    private static double PerplexityOf(Checkpoint checkpoint, int[] ids, DType type)
    {
        using var decoder = Decoder.Load(checkpoint.Config, checkpoint.Weights, new DecoderOptions { DType = type, Capacity = 256 });
        List<float[]> logits = new TestStream(decoder, 0, new CacheLayout(4, 252)).Feed(ids, 250);
        double sum = 0;
        for (int i = 1; i < ids.Length; i++)
        {
            float[] row = logits[i - 1];
            double max = row.Max();
            sum -= row[ids[i]] - max - Math.Log(row.Sum(l => Math.Exp(l - max)));
        }
        return Math.Exp(sum / (ids.Length - 1));
    }
}
