using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Learning;

/// <summary>The forward and backward pass of one batch.</summary>
/// <param name="network">What learns.</param>
/// <param name="sink">The extra loss for a sink, or null.</param>
internal sealed class LearningStep(Network network, SinkTarget? sink)
{
    private const int HeadRows = 512; // of the head at a time: no [rows, vocabulary] tensor ever exists whole

    /// <summary>Leaves the gradients on the parameters.</summary>
    /// <param name="ids">Tokens, [batch, length].</param>
    /// <param name="targets">The token that follows each, batch · length of them.</param>
    /// <param name="learn">Whether that is learnt.</param>
    /// <returns>The sum of the losses of what is learnt, nats, and how many that were.</returns>
    public (double Loss, int Count) Run(Tensor ids, long[] targets, bool[] learn)
    {
        using DisposeScope scope = NewDisposeScope();
        long[] rows = [.. Enumerable.Range(0, learn.Length).Where(i => learn[i]).Select(i => (long)i)];
        if (rows.Length == 0)
            throw new InvalidOperationException("A batch without anything to learn was dealt.");
        var sinkLosses = new List<Tensor>();
        Tensor states = network.States(ids, sink is null ? null : (layer, weights) =>
        {
            if (layer > 0)
                sinkLosses.Add(sink.Of(weights));
        });
        (double loss, Tensor gradient) = HeadAndLoss(states.detach(), tensor(rows), tensor([.. rows.Select(r => targets[r])], ScalarType.Int64));
        if (sinkLosses.Count == 0)
            autograd.backward([states], [gradient]);
        else
            autograd.backward([states, stack(sinkLosses).sum()], [gradient, ones([])]);
        return (loss, rows.Length);
    }

    /// <summary>The losses of some rows, without a gradient: nats, float32.</summary>
    /// <param name="ids">Tokens, [batch, length].</param>
    /// <param name="rows">Which of the batch · length rows, [M].</param>
    /// <param name="targets">The tokens that follow, [M].</param>
    public Tensor Losses(Tensor ids, Tensor rows, Tensor targets)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor states = network.States(ids).index_select(0, rows), head = network.Head();
        IEnumerable<Tensor> losses = states.split(HeadRows, 0).Zip(targets.split(HeadRows, 0), (part, following) =>
            nn.functional.cross_entropy(nn.functional.linear(part, head).to(ScalarType.Float32), following, reduction: nn.Reduction.None));
        return cat([.. losses], 0).MoveToOuterDisposeScope();
    }

    /// <summary>Head and loss by hand, each chunk's backward pass at once.</summary>
    /// <returns>The summed loss, and the gradient of the mean loss by the states, [N, hidden].</returns>
    private (double Loss, Tensor Gradient) HeadAndLoss(Tensor states, Tensor rows, Tensor targets)
    {
        using IDisposable noGradient = no_grad();
        Tensor head = network.Head(), gradient = zeros_like(states), headGradient = zeros(head.shape);
        long count = rows.shape[0];
        using Scalar share = 1.0 / count;
        double loss = 0;
        Tensor learnt = states.index_select(0, rows);                                             // [M, hidden]
        Tensor[] parts = learnt.split(HeadRows, 0), places = rows.split(HeadRows, 0), following = targets.split(HeadRows, 0);
        for (int i = 0; i < parts.Length; i++)
        {
            using DisposeScope chunk = NewDisposeScope();
            Tensor target = following[i].view(-1, 1);                                             // [rows, 1]
            Tensor probabilities = nn.functional.linear(parts[i], head).to(ScalarType.Float32).softmax(-1);
            loss -= probabilities.gather(1, target).log().sum().ToSingle();
            probabilities.scatter_add_(1, target, ones(target.shape).neg());
            Tensor error = probabilities.mul_(share).to(head.dtype);                              // [rows, vocabulary]
            gradient.index_copy_(0, places[i], error.mm(head));
            headGradient.add_(error.t().mm(parts[i]), Scalars.One);
        }
        network.AddHeadGradient(headGradient);
        return (loss, gradient);
    }
}
