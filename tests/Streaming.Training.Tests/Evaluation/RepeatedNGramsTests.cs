using Streaming.Training.Evaluation;

namespace Streaming.Training.Tests.Evaluation;

public class RepeatedNGramsTests
{
    [Fact]
    public void Finds_no_repetition_in_a_text_of_distinct_tokens() =>
        Assert.Equal([0], RepeatedNGrams.Shares([.. Enumerable.Range(0, 100)], length: 8, segment: 1000));

    [Fact]
    public void Finds_only_repetition_in_a_loop_after_its_first_round() =>
        Assert.Equal([0.5, 1, 1], RepeatedNGrams.Shares([.. Enumerable.Range(0, 37).Select(i => i % 5)], length: 8, segment: 10));

    [Fact]
    public void Counts_overlapping_n_grams_of_full_length_only()
    {
        // 1 2 3, 2 3 1, 3 1 2, 1 2 3 (again), 2 3 9
        Assert.Equal([0.2], RepeatedNGrams.Shares([1, 2, 3, 1, 2, 3, 9], length: 3, segment: 1000));
        Assert.Empty(RepeatedNGrams.Shares([1, 2, 3], length: 8, segment: 1000));
    }
}
