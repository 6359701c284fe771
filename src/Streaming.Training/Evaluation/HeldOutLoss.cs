using Streaming.Training.DataLoading;
using Streaming.Training.Model;
using Streaming.Training.Numerics;
using Streaming.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Evaluation;

/// <summary>The loss of one source's held-out texts.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Nats">The sum of the losses in nats.</param>
/// <param name="Tokens">The number of tokens that are scored.</param>
/// <param name="Characters">The number of characters that are scored.</param>
internal sealed record SourceLoss(string Source, double Nats, long Tokens, long Characters)
{
    /// <summary>Nats per token.</summary>
    public double PerToken => Nats / Tokens;
}

/// <summary>Scores held-out texts, each on its own, in sequences that begin with the start token.</summary>
/// <param name="master">The weights.</param>
/// <param name="step">Scores a batch.</param>
/// <param name="texts">The texts.</param>
/// <param name="bos">The start token.</param>
/// <param name="loop">Runs the batches.</param>
internal sealed class HeldOutLoss(MasterWeights master, TrainingStep step, IReadOnlyList<HeldOutText> texts, int bos, ParallelLoop loop)
{
    private readonly int _batchTokens = master.Device.type == DeviceType.CPU ? 2048 : 65536;

    /// <summary>The losses by source.</summary>
    /// <param name="length">Tokens in a sequence.</param>
    public IReadOnlyList<SourceLoss> Measure(int length)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        CastWeights weights = master.Cast();
        (string Source, (int[] Ids, bool[] LossMask)[] Sequences)[] batches =
        [
            .. texts.GroupBy(t => t.Source).SelectMany(g => Batches(g, length).Select(b => (g.Key, b))),
        ];
        var results = new (double Nats, int Tokens)[batches.Length];
        loop.Run(batches.Length, b => results[b] = Batch(weights, batches[b].Sequences));
        return
        [
            .. texts
                .GroupBy(t => t.Source)
                .Select(group =>
                {
                    (double Nats, int Tokens)[] own = [.. results.Where((_, b) => batches[b].Source == group.Key)];
                    return new SourceLoss(group.Key, own.Sum(r => r.Nats), own.Sum(r => r.Tokens), group.Sum(t => (long)t.Characters));
                }),
        ];
    }

    /// <summary>Batches of sequences of about the same length, because padding is computed in vain.</summary>
    private IEnumerable<(int[] Ids, bool[] LossMask)[]> Batches(IEnumerable<HeldOutText> group, int length)
    {
        (int[] Ids, bool[] LossMask)[] sequences = [.. group.SelectMany(t => Sequences(t.Document, length)).OrderBy(s => s.Ids.Length)];
        for (int at = 0; at < sequences.Length; )
        {
            int end = at + 1;
            while (end < sequences.Length && (end - at + 1) * sequences[end].Ids.Length <= _batchTokens)
                end++;
            yield return sequences[at..end];
            at = end;
        }
    }

    private (double Nats, int Tokens) Batch(CastWeights weights, (int[] Ids, bool[] LossMask)[] sequences)
    {
        using DisposeScope scope = NewDisposeScope();
        int length = sequences[^1].Ids.Length;
        long[] ids = new long[sequences.Length * length];
        (List<long>? rows, List<long>? targets) = (new List<long>(), new List<long>());
        for (int s = 0; s < sequences.Length; s++)
        {
            (int[] tokens, bool[] lossMask) = sequences[s];
            ids[s * length] = bos;
            for (int i = 0; i < tokens.Length; i++)
            {
                if (i + 1 < length)
                    ids[s * length + i + 1] = tokens[i];
                if (!lossMask[i])
                    continue;
                rows.Add(s * length + i);
                targets.Add(tokens[i]);
            }
        }
        if (rows.Count == 0)
            return (0, 0);
        Tensor losses = step.Losses(
            weights,
            tensor(ids, [sequences.Length, length], device: master.Device),
            tensor([.. rows], ScalarType.Int64, master.Device),
            tensor([.. targets], ScalarType.Int64, master.Device)
        );
        return (losses.sum().ToDouble(), rows.Count);
    }

    private static IEnumerable<(int[] Ids, bool[] LossMask)> Sequences(Document document, int length)
    {
        for (int at = 0; at < document.Ids.Length; at += length)
        {
            int end = Math.Min(at + length, document.Ids.Length);
            yield return (document.Ids[at..end], document.LossMask[at..end]);
        }
    }
}
