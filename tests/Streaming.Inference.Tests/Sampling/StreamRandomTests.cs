using Streaming.Inference.Sampling;

namespace Streaming.Inference.Tests.Sampling;

public class StreamRandomTests
{
    [Fact]
    public void The_random_numbers_never_change()
    {
        // Computed by an implementation in another language.
        Assert.Equal(0.13870941014555427, StreamRandom.Uniform(0, 0, 0));
        Assert.Equal(0.24743322626122666, StreamRandom.Uniform(42, 3, 10_000_000));
        Assert.Equal(0.48285319154707695, StreamRandom.Uniform(ulong.MaxValue, int.MaxValue, long.MaxValue));
    }

    [Fact]
    public void Seed_branch_and_position_each_change_the_number()
    {
        double origin = StreamRandom.Uniform(7, 7, 7);

        Assert.NotEqual(origin, StreamRandom.Uniform(8, 7, 7));
        Assert.NotEqual(origin, StreamRandom.Uniform(7, 8, 7));
        Assert.NotEqual(origin, StreamRandom.Uniform(7, 7, 8));
        Assert.Equal(origin, StreamRandom.Uniform(7, 7, 7));
    }

    [Theory]
    [InlineData("seeds"), InlineData("branches"), InlineData("positions")]
    public void Numbers_are_uniform_and_uncorrelated_along_seed_branch_and_position(string along)
    {
        const int count = 100_000,
            buckets = 20;
        double[] numbers =
        [
            .. Enumerable
                .Range(0, count)
                .Select(i =>
                    along switch
                    {
                        "seeds" => StreamRandom.Uniform((ulong)i, 1, 1),
                        "branches" => StreamRandom.Uniform(1, i, 1),
                        _ => StreamRandom.Uniform(1, 1, i),
                    }
                ),
        ];

        Assert.All(numbers, number => Assert.InRange(number, 0, 1 - 1e-16));
        double chiSquare = numbers
            .GroupBy(number => (int)(number * buckets))
            .Sum(bucket => Math.Pow(bucket.Count() - count / buckets, 2) / (count / buckets));
        Assert.InRange(chiSquare, 5, 45); // 19 degrees of freedom: 1 in 1000 on each side
        double correlation = numbers.Zip(numbers.Skip(1), (a, b) => (a - 0.5) * (b - 0.5)).Average() * 12;
        Assert.InRange(correlation, -0.012, 0.012);
    }
}
