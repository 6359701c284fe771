using System.Text.Json;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tests.Kernels;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>A published model against ids and logits of a float64 forward pass in another language.</summary>
public abstract class Stories260KTests(KernelSet kernels)
{
    [Fact]
    public void Two_hundred_greedy_tokens_and_the_first_logits_equal_the_published_ones()
    {
        string folder = ModelFolders.Stories260K;
        using var expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected_greedy.json")));
        int[] ids = [.. expected.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        JsonElement firstLogits = expected.RootElement.GetProperty("first_logits");
        using var checkpoint = Checkpoint.Open(folder);
        using var decoder = Decoder.Load(
            checkpoint.Config,
            checkpoint.Weights,
            new DecoderOptions
            {
                DType = DType.Float32,
                Capacity = 512,
                Kernels = TestKernels.Required(kernels),
            }
        );
        var stream = new TestStream(decoder, 0, new CacheLayout(4, 508));

        var decoded = new List<int> { ids[0] };
        while (decoded.Count < ids.Length)
        {
            float[] logits = stream.Feed(new[] { decoded[^1] }, 1)[0];
            int position = decoded.Count - 1;
            if (position < firstLogits.GetArrayLength())
                Assert.InRange(
                    Logits.Distance(
                        logits,
                        [.. firstLogits[position].GetProperty("logits").EnumerateArray().Select(logit => logit.GetDouble())]
                    ),
                    0,
                    1e-3
                );
            decoded.Add(Array.IndexOf(logits, logits.Max()));
        }

        Assert.Equal(201, ids.Length);
        Assert.Equal(4, firstLogits.GetArrayLength());
        Assert.Equal(ids, decoded);
    }
}
