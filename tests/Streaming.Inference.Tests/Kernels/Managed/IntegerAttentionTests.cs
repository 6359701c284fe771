using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.Managed;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Tests.Kernels.Managed;

/// <summary>
/// Compares attention over an int8 cache with plain loops in float64 over the same cache, read element by element.
/// </summary>
public sealed unsafe class IntegerAttentionTests
{
    [Theory, MemberData(nameof(ProductTests.Sets), MemberType = typeof(ProductTests))]
    public void Attention_is_the_softmax_over_fixed_part_and_window_in_both_rotations(KernelSet set) => Check(set, biased: false);

    [Theory, MemberData(nameof(ProductTests.Sets), MemberType = typeof(ProductTests))]
    public void Biases_that_the_cache_lacks_count_in_scores_and_values(KernelSet set) => Check(set, biased: true);

    private static void Check(KernelSet set, bool biased)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        foreach ((int width, int groups) in ((int, int)[])[(6, 1), (16, 3), (64, 3), (80, 5), (128, 9)])
        {
            foreach (CacheLayout layout in (CacheLayout[])[new(4, 13), new(0, 7), new(35, 40), new(4, 700)])
                Check(kernels, width, groups, layout, biased);
        }
    }

    [Fact]
    public void A_value_that_is_not_finite_reaches_every_result_that_sees_it()
    {
        var layout = new CacheLayout(2, 5);
        float[] row = [.. Enumerable.Repeat(0.5f, 3 * 16)];
        row[20] = float.PositiveInfinity; // in the key
        float[] attended = Attend(VectorKernels.Of(KernelSet.Portable), 16, 1, layout, [row], new Cache(layout, 16), null);

        Assert.All(attended, number => Assert.True(float.IsNaN(number)));
    }

    private static void Check(VectorKernels.Choice kernels, int width, int groups, CacheLayout layout, bool biased)
    {
        var random = new Random(width + layout.Window);
        var cache = new Cache(layout, width);
        Biases? biases = biased ? new Biases(Numbers(9), Numbers(40)) : null;
        int tokens = 2 * layout.Places + 3;
        float[][] rows =
        [
            .. Enumerable
                .Range(0, tokens)
                .Select(_ => Enumerable.Range(0, (groups + 2) * width).Select(_ => (float)(2 * random.NextDouble() - 1)).ToArray()),
        ];
        for (int t = 0; t < tokens; t++)
        {
            float[] actual = Attend(kernels, width, groups, layout, rows, cache, biases, t);
            if (t % (layout.Window / 2) != 0 && t < tokens - 2)
                continue; // all tokens are stored, some are compared
            int lanes = kernels.Integers.Lanes;
            for (int g = 0; g < groups; g++)
            {
                var scores = new List<(double Score, int Place)>();
                for (int place = 0; place < layout.Places; place++)
                {
                    long position = PositionIn(layout, place, t);
                    if (position < 0)
                        continue;
                    double angle = place < layout.Fixed ? Angle(Math.Min(t, layout.Places - 1)) : Angle(t);
                    double[] query = Rotate(rows[t].AsSpan(g * width, width), angle);
                    double[] bias = biases is null ? new double[width] : Rotate(biases.Key, Angle((int)position));
                    double score = query.Select((q, i) => q * (cache.Key(place, i, lanes) + bias[i])).Sum() / Math.Sqrt(width);
                    scores.Add((score, place));
                }
                double most = scores.Max(s => s.Score),
                    sum = scores.Sum(s => Math.Exp(s.Score - most));
                for (int i = 0; i < width; i++)
                {
                    double expected = scores.Sum(s => Math.Exp(s.Score - most) / sum * cache.Value(s.Place, i)) + (biases?.Value[i] ?? 0);
                    Assert.Equal(expected, actual[g * width + i], 2e-4); // queries and weights have 16 bits
                }
            }
        }

        float[] Numbers(double largest) => [.. Enumerable.Range(0, width).Select(_ => (float)(largest * (2 * random.NextDouble() - 1)))];
    }

    /// <summary>One token at stream position <paramref name="t"/>, [groups, width].</summary>
    private static float[] Attend(
        VectorKernels.Choice kernels,
        int width,
        int groups,
        CacheLayout layout,
        float[][] rows,
        Cache cache,
        Biases? biases,
        int t = 0
    )
    {
        int stride = IntegerCache.Padded(layout.Places),
            workspaceSize = IntegerAttention.WorkspaceSize(groups, width, stride);
        float[] attended = new float[groups * width];
        float[] own = Angles(Angle(t), width),
            sinks = Angles(Angle(Math.Min(t, layout.Places - 1)), width);
        using var workspace = new NativeBuffer<float>();
        using BiasAngles? angles = biases is null ? null : new BiasAngles([.. Enumerable.Repeat(Angle(1), width / 2)], 1, layout.Places);
        fixed (
            float* projected = rows[t],
                result = attended,
                toOwn = own,
                toSinks = sinks,
                keyBias = biases?.Key,
                valueBias = biases?.Value,
                keyScales = cache.KeyScales,
                valueScales = cache.ValueScales
        )
        fixed (
            sbyte* keys = cache.Keys,
                values = cache.Values
        )
        {
            var task = new AttentionHead
            {
                Projected = projected,
                ProjectedStride = rows[t].Length,
                QueryAt = 0,
                KeyAt = groups * width,
                ValueAt = (groups + 1) * width,
                Attended = result,
                AttendedStride = groups * width,
                ToOwn = toOwn,
                ToSinks = toSinks,
                Keys = keys,
                Values = values,
                KeyScales = keyScales,
                ValueScales = valueScales,
                KeyBias = keyBias,
                ValueBias = valueBias,
                Groups = groups,
                HeadDim = width,
                Workspace = workspace.Take(workspaceSize),
                ScoreStride = stride,
            };
            var segment = new Segment
            {
                Slot = 0,
                Layout = layout,
                Position = t,
                Fed = t,
                Ids = new int[1],
            };
            kernels.Integers.Run(segment, task, kernels.ForFloats(width / 2), angles);
        }
        return attended;
    }

    /// <summary>The stream position in a place after token <paramref name="t"/> is stored; negative for an empty place.</summary>
    private static long PositionIn(CacheLayout layout, int place, int t)
    {
        if (place < layout.Fixed)
            return place <= t ? place : -1;
        for (long position = t; position >= layout.Fixed && position > t - layout.Window; position--)
        {
            if (layout.PlaceOf(position) == place)
                return position;
        }
        return -1;
    }

    private static double Angle(int position) => 0.37 * position;

    private static float[] Angles(double angle, int width) =>
        [.. Enumerable.Repeat((float)Math.Cos(angle), width / 2), .. Enumerable.Repeat((float)Math.Sin(angle), width / 2)];

    private static double[] Rotate(ReadOnlySpan<float> head, double angle)
    {
        int half = head.Length / 2;
        double[] rotated = new double[head.Length];
        for (int i = 0; i < half; i++)
        {
            rotated[i] = head[i] * Math.Cos(angle) - head[half + i] * Math.Sin(angle);
            rotated[half + i] = head[half + i] * Math.Cos(angle) + head[i] * Math.Sin(angle);
        }
        return rotated;
    }

    /// <summary>Biases that the cache lacks, [width].</summary>
    private sealed record Biases(float[] Key, float[] Value);

    /// <summary>The places of a head, with an independent implementation of the memory layout.</summary>
    private sealed class Cache(CacheLayout layout, int width)
    {
        private readonly int _padded = (width + 15) / 16 * 16;

        public sbyte[] Keys { get; } = new sbyte[(layout.Places + 15) / 16 * 16 * width];

        public sbyte[] Values { get; } = new sbyte[(layout.Places + 15) / 16 * 16 * ((width + 15) / 16 * 16)];

        public float[] KeyScales { get; } = new float[(layout.Places + 15) / 16 * 16];

        public float[] ValueScales { get; } = new float[(layout.Places + 15) / 16 * 16];

        public double Key(int place, int i, int lanes) =>
            (double)KeyScales[place] * Keys[place / lanes * lanes * width + i / 2 * 2 * lanes + place % lanes * 2 + i % 2];

        public double Value(int place, int i) => (double)ValueScales[place] * Values[(place / 2 * _padded + i) * 2 + place % 2];
    }
}
