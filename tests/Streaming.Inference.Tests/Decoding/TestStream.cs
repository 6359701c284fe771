using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>One conversation of a decoder in a test: where it is, and what it was fed.</summary>
internal sealed class TestStream(Decoder decoder, int slot, CacheLayout layout, long position = 0, long fed = 0)
{
    public long Position { get; private set; } = position;

    public long Fed { get; private set; } = fed;

    /// <summary>The stream goes on at another position: the fixed part was fed, the middle is left out.</summary>
    public void JumpTo(long position) => Position = position;

    /// <summary>The next tokens as a segment; the stream counts as fed.</summary>
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

    /// <summary>Feeds tokens in chunks; the logits of each.</summary>
    public List<float[]> Feed(ReadOnlyMemory<int> ids, int chunk)
    {
        var logits = new List<float[]>();
        for (int at = 0; at < ids.Length; at += chunk)
            logits.AddRange(Rows(decoder, [Next(ids.Slice(at, Math.Min(chunk, ids.Length - at)))]));
        return logits;
    }

    /// <summary>A forward pass's logits, row by row.</summary>
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

    /// <summary>Ids at random, always the same for a seed.</summary>
    public static int[] RandomIds(int count, int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}
