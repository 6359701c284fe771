using Streaming.Training.DataLoading;
using Streaming.Training.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Evaluation;

/// <summary>
/// The share of its attention that each head leaves on the start token: the mean over positions 128 to 255 of a fixed batch of held-out
/// sequences. Uniform attention would give half a per cent.
/// </summary>
internal sealed class SinkAttention
{
    private const int Rows = 16,
        Length = 256,
        From = 128;

    private readonly long[] _ids;

    /// <param name="texts">Held-out texts; those that fill a sequence are used.</param>
    /// <param name="bos">The start token.</param>
    public SinkAttention(IEnumerable<HeldOutText> texts, int bos)
    {
        // One text from each source in turn, so that no source dominates.
        int[][] chosen =
        [
            .. texts
                .Where(t => t.Document.Ids.Length >= Length - 1)
                .GroupBy(t => t.Source)
                .SelectMany(g => g.Select((t, i) => (t, i)))
                .OrderBy(p => p.i)
                .Take(Rows)
                .Select(p => p.t.Document.Ids),
        ];
        _ids = [.. chosen.SelectMany(ids => ids.Take(Length - 1).Prepend(bos)).Select(id => (long)id)];
    }

    /// <summary>The shares, [layers][heads]; empty if no held-out text, or the context, is long enough.</summary>
    public IReadOnlyList<float[]> Measure(MasterWeights master, Network network)
    {
        if (_ids.Length == 0 || network.Config.ContextLength < Length)
            return [];
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var shares = new List<float[]>();
        network.HiddenStates(
            master.Cast(),
            tensor(_ids, [_ids.Length / Length, Length], device: master.Device),
            eachLayer: (_, weights) =>
                shares.Add([.. weights[.., .., From.., ..1].to(ScalarType.Float32).mean([0, 2, 3]).cpu().data<float>()])
        );
        return shares;
    }
}
