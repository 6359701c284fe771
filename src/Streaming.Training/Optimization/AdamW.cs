using Streaming.Inference.Kernels.LibTorch;
using Streaming.Training.Model;
using Streaming.Training.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Optimization;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter 2019). Weight decay applies to matrices only; gradients are clipped to a
/// global norm of 1.
/// </summary>
internal sealed class AdamW : IDisposable
{
    private const double Beta1 = 0.9,
        Beta2 = 0.95,
        Decay = 0.1,
        MaxNorm = 1;

    private static readonly Scalar Keep1 = Beta1,
        Keep2 = Beta2,
        Take1 = 1 - Beta1,
        Take2 = 1 - Beta2,
        Epsilon = 1e-8,
        Tiny = 1e-6,
        Largest = MaxNorm;

    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly ParallelLoop _loop;
    private readonly Tensor[] _means,
        _squares;

    /// <param name="parameters">The parameters to optimise.</param>
    /// <param name="loop">Runs the updates of the parameters.</param>
    public AdamW(IReadOnlyList<Parameter> parameters, ParallelLoop loop)
    {
        (_parameters, _loop) = (parameters, loop);
        _means = [.. parameters.Select(p => zeros_like(p.Value))];
        _squares = [.. parameters.Select(p => zeros_like(p.Value))];
    }

    /// <summary>The number of steps taken.</summary>
    public int Steps { get; set; }

    /// <summary>The first and second moments, float32, with the shapes of the parameters, by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> State =>
        _parameters.SelectMany((p, i) => (IEnumerable<(string, Tensor)>)[("mean." + p.Name, _means[i]), ("square." + p.Name, _squares[i])]);

    /// <summary>Takes one step.</summary>
    /// <param name="gradients">The gradients, in the order of the parameters; they are overwritten.</param>
    /// <param name="rate">The learning rate.</param>
    /// <returns>The global norm of the gradients before clipping.</returns>
    public double Step(IReadOnlyList<Tensor> gradients, double rate)
    {
        Steps++;
        using DisposeScope ofStep = NewDisposeScope();
        var norms = new Tensor[gradients.Count];
        _loop.Run(gradients.Count, i => norms[i] = gradients[i].norm().DetachFromDisposeScope());
        Tensor norm = stack(norms).norm();
        foreach (Tensor own in norms)
            own.Dispose();
        // The factor stays on the device, so that nothing waits for the device before all its operations are queued.
        Tensor clip = norm.add(Tiny, TorchScalars.One).reciprocal().mul(Largest).clamp_(max: TorchScalars.One);
        using Scalar shrink = 1 - rate * Decay;
        using Scalar toRoot = 1 / Math.Sqrt(1 - Math.Pow(Beta2, Steps)),
            towards = -rate / (1 - Math.Pow(Beta1, Steps));
        _loop.Run(
            gradients.Count,
            i =>
            {
                using IDisposable noGradient = no_grad();
                using DisposeScope scope = NewDisposeScope();
                (Tensor value, Tensor gradient) = (_parameters[i].Value, gradients[i]);
                gradient.mul_(clip);
                _means[i].mul_(Keep1).add_(gradient, Take1);
                _squares[i].mul_(Keep2).addcmul_(gradient, gradient, Take2);
                if (value.dim() > 1)
                    value.mul_(shrink);
                value.addcdiv_(_means[i], _squares[i].sqrt().mul_(toRoot).add_(Epsilon, TorchScalars.One), towards);
            }
        );
        return norm.ToDouble();
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _means.Concat(_squares))
            tensor.Dispose();
    }
}
