using Streaming.Training.Evaluation;

namespace Streaming.Training.Tests.Evaluation;

public class RepeatedNGramsTests
{
    [Fact]
    public void A_text_that_says_nothing_twice_has_none() =>
        Assert.Equal([0], RepeatedNGrams.Shares([.. Enumerable.Range(0, 100)], length: 8, segment: 1000));

    [Fact]
    public void A_loop_is_all_repetition_once_it_has_gone_round() =>
        Assert.Equal([0.5, 1, 1], RepeatedNGrams.Shares([.. Enumerable.Range(0, 37).Select(i => i % 5)], length: 8, segment: 10));

    [Fact]
    public void Runs_overlap_and_only_whole_ones_count()
    {
        // 1 2 3, 2 3 1, 3 1 2, 1 2 3 (again), 2 3 9
        Assert.Equal([0.2], RepeatedNGrams.Shares([1, 2, 3, 1, 2, 3, 9], length: 3, segment: 1000));
        Assert.Empty(RepeatedNGrams.Shares([1, 2, 3], length: 8, segment: 1000));
    }
}
