using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;

namespace Streaming.Training.Tests.DataLoading;

public class SequencePackerTests
{
    private const int Bos = 7;

    [Fact]
    public void Each_sequence_begins_with_the_start_token_and_each_target_is_the_token_that_follows()
    {
        var packer = new SequencePacker(Mixture(("a", 1), ("b", 1)), Bos, new PackerState { Random = 1 });
        var (ids, targets, learn) = (new long[64 * 32], new long[64 * 32], new bool[64 * 32]);
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
    public void Sources_get_their_shares_of_the_tokens_whatever_their_texts_lengths()
    {
        Mixture mixture = Mixture(("a", 3), ("b", 1), ("c", 0));
        for (int i = 0; i < 2000; i++)
            mixture.Next();
        double all = mixture.State.Tokens.Values.Sum();
        Assert.Equal(0.75, mixture.State.Tokens["a"] / all, 0.01);
        Assert.Equal(0.25, mixture.State.Tokens["b"] / all, 0.01);
    }

    [Fact]
    public void A_source_that_joins_owes_nothing_for_the_past()
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
    public void A_batch_that_was_dealt_ahead_says_where_the_dealing_was_after_the_one_before()
    {
        ITextSource[] sources = [new Counting("a", 1, length: 50), new Counting("b", 1, length: 57)];
        LoaderState Beginning() => new(new MixtureState(), new PackerState { Random = 1 });
        using var whole = new BatchLoader(sources, Bos, tokens: 512, Beginning());
        TrainingBatch first = whole.Next(32, following: 64),
            second = whole.Next(64, following: 64);

        using var again = new BatchLoader(sources, Bos, tokens: 512, first.After); // while the next one was being dealt, or had been
        Assert.Equal(second.Ids, again.Next(64, following: null).Ids);
        Assert.Equal((64, 32), (second.Length, first.Length));
        Assert.NotEqual(first.Ids, second.Ids);
    }

    [Fact]
    public void A_text_that_cannot_be_dealt_ahead_is_told_of_when_its_batch_is_asked_for_and_only_then()
    {
        BatchLoader Dealer() =>
            new(
                [new Counting("a", 1, length: 50, texts: 15)],
                Bos,
                tokens: 512,
                new LoaderState(new MixtureState(), new PackerState { Random = 1 })
            );
        using (BatchLoader dealer = Dealer())
        {
            dealer.Next(32, following: 32);
            Assert.Contains(
                "no text 15",
                Assert.Throws<InvalidOperationException>(() => dealer.Next(32, following: null)).Message,
                StringComparison.Ordinal
            );
        }
        using BatchLoader unasked = Dealer();
        unasked.Next(32, following: 32); // what comes ahead of it fails, and its end is not hidden by that
    }

    private static Mixture Mixture(params (string Name, double Share)[] sources) => Mixture(new MixtureState(), sources);

    private static Mixture Mixture(MixtureState state, params (string Name, double Share)[] sources) =>
        new(sources.Select((s, i) => new Counting(s.Name, s.Share, length: 50 + 7 * i)), state);

    /// <summary>Texts of one length, all of whose tokens are learnt.</summary>
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
