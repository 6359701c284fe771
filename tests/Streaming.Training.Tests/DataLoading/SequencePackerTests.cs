using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;

namespace Streaming.Training.Tests.DataLoading;

public class SequencePackerTests
{
    private const int Bos = 7;

    [Fact]
    public void Begins_each_sequence_with_the_start_token_and_targets_the_next_token()
    {
        var packer = new SequencePacker(Mixture(("a", 1), ("b", 1)), Bos, new PackerState { Random = 1 });
        (long[]? ids, long[]? targets, bool[]? learn) = (new long[64 * 32], new long[64 * 32], new bool[64 * 32]);
        for (int batch = 0; batch < 20; batch++)
        {
            packer.Fill(ids, targets, learn, length: 32);
            for (int row = 0; row < ids.Length; row += 32)
            {
                Assert.Equal(Bos, ids[row]);
                Assert.Equal(ids[(row + 1)..(row + 32)], targets[row..(row + 31)]);
            }
        }
        Assert.InRange(packer.State.Remainders.Count, 1, 256);
    }

    [Fact]
    public void Gives_sources_their_shares_of_the_tokens_whatever_the_lengths_of_their_texts()
    {
        Mixture mixture = Mixture(("a", 3), ("b", 1), ("c", 0));
        for (int i = 0; i < 2000; i++)
            mixture.Next();
        double all = mixture.State.Tokens.Values.Sum();
        Assert.Equal(0.75, mixture.State.Tokens["a"] / all, 0.01);
        Assert.Equal(0.25, mixture.State.Tokens["b"] / all, 0.01);
    }

    [Fact]
    public void Gives_a_new_source_its_share_without_catching_up_on_the_past()
    {
        Mixture before = Mixture(("a", 1), ("b", 1));
        for (int i = 0; i < 1000; i++)
            before.Next();
        double old = before.State.Tokens.Values.Sum();
        Mixture after = Mixture(before.State, ("a", 1), ("b", 1), ("new", 2));
        for (int i = 0; i < 40; i++)
            after.Next();
        Assert.Equal(0.5, after.State.Tokens["new"] / (after.State.Tokens.Values.Sum() - old), 0.05);
    }

    [Fact]
    public void Reports_the_state_after_the_returned_batch_although_the_next_one_is_loaded_ahead()
    {
        ITextSource[] sources = [new Counting("a", 1, length: 50), new Counting("b", 1, length: 57)];
        LoaderState Beginning() => new(new MixtureState(), new PackerState { Random = 1 });
        using var whole = new BatchLoader(sources, Bos, tokens: 512, Beginning());
        TrainingBatch first = whole.Next(32, following: 64),
            second = whole.Next(64, following: 64);

        using var again = new BatchLoader(sources, Bos, tokens: 512, first.After); // taken while the next batch was loading
        Assert.Equal(second.Ids, again.Next(64, following: null).Ids);
        Assert.Equal((64, 32), (second.Length, first.Length));
        Assert.NotEqual(first.Ids, second.Ids);
    }

    [Fact]
    public void Throws_a_failure_of_loading_ahead_only_when_that_batch_is_requested()
    {
        BatchLoader Loader() =>
            new(
                [new Counting("a", 1, length: 50, texts: 15)],
                Bos,
                tokens: 512,
                new LoaderState(new MixtureState(), new PackerState { Random = 1 })
            );
        using (BatchLoader loader = Loader())
        {
            loader.Next(32, following: 32);
            Assert.Contains(
                "no text 15",
                Assert.Throws<InvalidOperationException>(() => loader.Next(32, following: null)).Message,
                StringComparison.Ordinal
            );
        }
        using BatchLoader disposed = Loader();
        disposed.Next(32, following: 32); // loading ahead fails, and Dispose does not throw
    }

    private static Mixture Mixture(params (string Name, double Share)[] sources) => Mixture(new MixtureState(), sources);

    private static Mixture Mixture(MixtureState state, params (string Name, double Share)[] sources) =>
        new(sources.Select((s, i) => new Counting(s.Name, s.Share, length: 50 + 7 * i)), state);

    /// <summary>Texts of one length, all of whose tokens count in the loss.</summary>
    private sealed class Counting(string name, double share, int length, int texts = int.MaxValue) : ITextSource
    {
        public SourceDescription Description { get; } =
            new()
            {
                Name = name,
                Share = share,
                Kind = TalkKind.Story,
                Text = "none",
            };

        public Document Document(long number) =>
            number >= texts
                ? throw new InvalidOperationException($"There is no text {number}.")
                : new([.. Enumerable.Range(0, length).Select(i => (int)(100 + number + i))], [.. Enumerable.Repeat(true, length)], [], 0);
    }
}
