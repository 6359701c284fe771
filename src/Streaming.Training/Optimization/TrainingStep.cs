using Streaming.Inference.Kernels.LibTorch;
using Streaming.Training.Model;
using Streaming.Training.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Optimization;

/// <summary>
/// The forward and backward pass of one batch. A CPU computes it in parts of a few sequences, each on one thread, and adds the parts'
/// gradients in their order, so that the result does not depend on the threads. Other devices compute the whole batch at once.
/// </summary>
/// <param name="master">The weights.</param>
/// <param name="network">The forward pass.</param>
/// <param name="sink">The auxiliary loss for the attention sink, or null.</param>
/// <param name="loop">Runs the parts.</param>
/// <param name="dropout">The dropout probability; 0 for none.</param>
/// <param name="seed">The seed of dropout.</param>
internal sealed class TrainingStep(
    MasterWeights master,
    Network network,
    SinkLoss? sink,
    ParallelLoop loop,
    double dropout = 0,
    ulong seed = 0
)
{
    // The intermediate results of 512 tokens about fit in a core's own cache.
    private readonly int _partTokens = master.Device.type == DeviceType.CPU ? 512 : int.MaxValue;

    // The head computes this many rows at a time, so that the whole [rows, vocabulary] tensor never exists.
    private readonly int _headRows = master.Device.type == DeviceType.CPU ? 512 : 16384;

    /// <summary>Computes the gradients of the mean loss.</summary>
    /// <param name="ids">Token ids, in rows of <paramref name="length"/>.</param>
    /// <param name="targets">The next token of each.</param>
    /// <param name="lossMask">Whether each target counts in the loss.</param>
    /// <param name="length">Tokens in a sequence.</param>
    /// <param name="number">The step's number, which decides what is dropped.</param>
    /// <param name="apply">Receives the gradients, in the order of the parameters; they are released when it returns.</param>
    /// <returns>The sum of the losses in nats, and the number of targets that count.</returns>
    /// <exception cref="InvalidOperationException">No target counts in the loss.</exception>
    public (double Loss, int Count) Run(
        long[] ids,
        long[] targets,
        bool[] lossMask,
        int length,
        int number,
        Action<IReadOnlyList<Tensor>> apply
    )
    {
        int learnt = lossMask.Count(l => l);
        if (learnt == 0)
            throw new InvalidOperationException("No target of the batch counts in the loss.");
        using DisposeScope scope = NewDisposeScope();
        CastWeights weights = master.Cast();
        int rows = Math.Clamp(_partTokens / length * length, length, ids.Length),
            parts = (ids.Length + rows - 1) / rows;
        var gradients = new Tensor[parts][];
        var losses = new Tensor[parts];
        loop.Run(
            parts,
            p =>
            {
                int from = p * rows,
                    to = Math.Min(from + rows, ids.Length);
                using DisposeScope part = NewDisposeScope();
                using Tensor batch = tensor(ids[from..to], [(to - from) / length, length], device: master.Device);
                using Dropout? drop =
                    dropout > 0
                        ? new Dropout(dropout, SeededRandom.For(seed, "dropout", (long)number * parts + p).State, master.Device)
                        : null;
                (losses[p], gradients[p]) = Part(
                    weights.AsLeaves(),
                    batch,
                    targets[from..to],
                    lossMask[from..to],
                    learnt,
                    (double)(to - from) / ids.Length,
                    drop
                );
                foreach (Tensor kept in (Tensor[])[losses[p], .. gradients[p]])
                    kept.DetachFromDisposeScope();
            }
        );
        Tensor[] sums = master.Gradients(gradients, loop);
        foreach (Tensor gradient in gradients.SelectMany(g => g))
            gradient.Dispose();
        apply(sums);
        foreach (Tensor gradient in sums)
            gradient.Dispose();
        double loss = 0;
        foreach (Tensor part in losses)
        {
            loss += part.ToDouble();
            part.Dispose();
        }
        return (loss, learnt);
    }

    /// <summary>The losses at the given rows, without gradients: nats, [M], float32.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="ids">Token ids, [batch, length].</param>
    /// <param name="rows">Indices among the batch · length rows, [M].</param>
    /// <param name="targets">The next tokens, [M].</param>
    public Tensor Losses(CastWeights weights, Tensor ids, Tensor rows, Tensor targets)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor states = network.HiddenStates(weights, ids).index_select(0, rows);
        IEnumerable<Tensor> losses = states
            .split(_headRows, 0)
            .Zip(
                targets.split(_headRows, 0),
                (part, following) =>
                    nn.functional.cross_entropy(
                        nn.functional.linear(part, weights.Head).to(ScalarType.Float32),
                        following,
                        reduction: nn.Reduction.None
                    )
            );
        return cat([.. losses], 0).MoveToOuterDisposeScope();
    }

    private (Tensor Loss, Tensor[] Gradients) Part(
        CastWeights weights,
        Tensor ids,
        long[] targets,
        bool[] lossMask,
        int learnt,
        double share,
        Dropout? drop
    )
    {
        long[] rows = [.. Enumerable.Range(0, lossMask.Length).Where(i => lossMask[i]).Select(i => (long)i)];
        var sinkLosses = new List<Tensor>();
        Tensor states = network.HiddenStates(
            weights,
            ids,
            drop,
            sink is null
                ? null
                : (layer, attention) =>
                {
                    if (layer > 0)
                        sinkLosses.Add(sink.Of(attention));
                }
        );
        (Tensor loss, Tensor gradient, Tensor headGradient) = HeadAndLoss(
            weights.Head,
            states.detach(),
            rows,
            [.. rows.Select(r => targets[r])],
            learnt
        );
        IList<Tensor> gradients =
            sinkLosses.Count == 0
                ? autograd.grad([states], [.. weights.Trainable], [gradient])
                : autograd.grad(
                    [states, stack(sinkLosses).sum()],
                    [.. weights.Trainable],
                    [gradient, tensor((float)share, device: master.Device)]
                );
        using IDisposable noGradient = no_grad();
        gradients[0].add_(headGradient, TorchScalars.One);
        return (loss, [.. gradients]);
    }

    /// <summary>Head and loss without autograd: each chunk's backward pass follows its forward pass.</summary>
    /// <returns>
    /// The summed loss, float64, and the gradients of the mean loss with respect to the states, [N, hidden], and to the head,
    /// [vocabulary, hidden].
    /// </returns>
    private (Tensor Loss, Tensor Gradient, Tensor HeadGradient) HeadAndLoss(
        Tensor head,
        Tensor states,
        long[] rows,
        long[] targets,
        int learnt
    )
    {
        using IDisposable noGradient = no_grad();
        Device device = head.device;
        Tensor gradient = zeros_like(states),
            headGradient = zeros(head.shape, device: device),
            loss = zeros(1, ScalarType.Float64, device);
        if (rows.Length == 0)
            return (loss, gradient, headGradient);
        using Scalar share = 1.0 / learnt;
        Tensor places = tensor(rows, device: device);
        Tensor[] parts = states.index_select(0, places).split(_headRows, 0); // [rows, hidden] each
        Tensor[] placed = places.split(_headRows, 0),
            following = tensor(targets, device: device).split(_headRows, 0);
        for (int i = 0; i < parts.Length; i++)
        {
            using DisposeScope chunk = NewDisposeScope();
            Tensor target = following[i].view(-1, 1); // [rows, 1]
            Tensor probabilities = nn.functional.linear(parts[i], head).to(ScalarType.Float32).softmax(-1);
            loss.sub_(probabilities.gather(1, target).log().sum());
            probabilities.scatter_add_(1, target, ones(target.shape, device: device).neg());
            Tensor error = probabilities.mul_(share).to(head.dtype); // [rows, vocabulary]
            gradient.index_copy_(0, placed[i], error.mm(head));
            headGradient.add_(error.t().mm(parts[i]), TorchScalars.One);
        }
        GC.KeepAlive(share);
        return (loss, gradient, headGradient);
    }
}
