using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>A conversation of a decoder in a test: its position and the tokens fed.</summary>
internal sealed class TestStream(Decoder decoder, int slot, CacheLayout layout, long position = 0, long fed = 0)
{
    public long Position { get; private set; } = position;

    public long Fed { get; private set; } = fed;

    /// <summary>Continues at another position, leaving out the tokens after the fixed part.</summary>
    public void JumpTo(long position) => Position = position;

    /// <summary>Returns the next tokens as a segment and counts them as fed.</summary>
    public Segment Next(ReadOnlyMemory<int> ids, LogitRows logits = LogitRows.All)
    {
        var segment = new Segment
        {
            Slot = slot,
            Layout = layout,
            Position = Position,
            Fed = Fed,
            Ids = ids,
            Logits = logits,
        };
        Position += ids.Length;
        Fed += ids.Length;
        return segment;
    }

    /// <summary>Feeds tokens in chunks and returns the logits of each token.</summary>
    public List<float[]> Feed(ReadOnlyMemory<int> ids, int chunk)
    {
        var logits = new List<float[]>();
        for (int at = 0; at < ids.Length; at += chunk)
            logits.AddRange(Rows(decoder, [Next(ids.Slice(at, Math.Min(chunk, ids.Length - at)))]));
        return logits;
    }

    /// <summary>The logits of a forward pass, by row.</summary>
    public static List<float[]> Rows(Decoder decoder, IReadOnlyList<Segment> segments)
    {
        using torch.Tensor? logits = decoder.Forward(segments);
        return logits is null ? [] : [.. logits.data<float>().ToArray().Chunk(decoder.Config.VocabularySize)];
    }
}

/// <summary>Comparisons of logits.</summary>
internal static class Logits
{
    public const double Tolerance = 1e-4;

    public static double Distance(float[] actual, double[] expected) => actual.Zip(expected, (a, e) => Math.Abs(a - e)).Max();

    public static double Distance(float[] actual, float[] expected) => actual.Zip(expected, (a, e) => Math.Abs((double)a - e)).Max();

    public static void AssertClose(IReadOnlyList<double[]> expected, IReadOnlyList<float[]> actual, string what)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            double distance = Distance(actual[i], expected[i]);
            Assert.True(distance < Tolerance, $"{what}: the logits of token {i} are {distance:g3} from the oracle's.");
        }
    }

    public static void AssertClose(float[] expected, float[] actual, string what)
    {
        double distance = Distance(actual, expected);
        Assert.True(distance < Tolerance, $"{what}: the logits are {distance:g3} apart.");
    }

    /// <summary>Random ids, determined by the seed.</summary>
    public static int[] RandomIds(int count, int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}
