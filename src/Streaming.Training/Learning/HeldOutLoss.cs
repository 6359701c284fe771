using Streaming.Training.Dealing;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Learning;

/// <summary>The loss of one source's held-out texts.</summary>
/// <param name="Source">The source.</param>
/// <param name="Nats">The sum over what would have been learnt.</param>
/// <param name="Tokens">How many tokens that is.</param>
/// <param name="Characters">How many characters.</param>
internal sealed record SourceLoss(string Source, double Nats, long Tokens, long Characters)
{
    /// <summary>Nats per token.</summary>
    public double PerToken => Nats / Tokens;
}

/// <summary>Scores held-out texts, each by itself, in sequences that begin with the start token.</summary>
/// <param name="step">Scores a batch.</param>
/// <param name="texts">The texts.</param>
/// <param name="bos">The start token.</param>
internal sealed class HeldOutLoss(LearningStep step, IReadOnlyList<HeldOutText> texts, int bos)
{
    private const int BatchTokens = 8192;

    /// <summary>The losses by source.</summary>
    /// <param name="length">Tokens of a sequence.</param>
    public IReadOnlyList<SourceLoss> Measure(int length) =>
        [.. texts.GroupBy(t => t.Source).Select(group => Of(group.Key, [.. group], length))];

    private SourceLoss Of(string source, HeldOutText[] group, int length)
    {
        // Of about the same length together: what is added at their ends to fill the batch is computed in vain.
        (int[] Ids, bool[] Learn)[] sequences = [.. group.SelectMany(t => Sequences(t.Document, length)).OrderBy(s => s.Ids.Length)];
        (double nats, long tokens) = (0, 0);
        for (int at = 0; at < sequences.Length;)
        {
            int end = at + 1;
            while (end < sequences.Length && (end - at + 1) * sequences[end].Ids.Length <= BatchTokens)
                end++;
            (double batchNats, int batchTokens) = Batch(sequences.AsSpan(at, end - at));
            (nats, tokens, at) = (nats + batchNats, tokens + batchTokens, end);
        }
        return new SourceLoss(source, nats, tokens, group.Sum(t => (long)t.Characters));
    }

    private (double Nats, int Tokens) Batch(ReadOnlySpan<(int[] Ids, bool[] Learn)> sequences)
    {
        using DisposeScope scope = NewDisposeScope();
        int length = sequences[^1].Ids.Length;
        var ids = new long[sequences.Length * length];
        var (rows, targets) = (new List<long>(), new List<long>());
        for (int s = 0; s < sequences.Length; s++)
        {
            (int[] tokens, bool[] learn) = sequences[s];
            ids[s * length] = bos;
            for (int i = 0; i < tokens.Length; i++)
            {
                if (i + 1 < length)
                    ids[s * length + i + 1] = tokens[i];
                if (!learn[i])
                    continue;
                rows.Add(s * length + i);
                targets.Add(tokens[i]);
            }
        }
        if (rows.Count == 0)
            return (0, 0);
        Tensor losses = step.Losses(tensor(ids, [sequences.Length, length]), tensor([.. rows], ScalarType.Int64), tensor([.. targets], ScalarType.Int64));
        return (losses.sum().ToDouble(), rows.Count);
    }

    private static IEnumerable<(int[] Ids, bool[] Learn)> Sequences(Document document, int length)
    {
        for (int at = 0; at < document.Ids.Length; at += length)
        {
            int end = Math.Min(at + length, document.Ids.Length);
            yield return (document.Ids[at..end], document.Learn[at..end]);
        }
    }
}
