using Streaming.Inference.Kernels.LibTorch;
using Streaming.Training.Model;
using Streaming.Training.Numerics;
using Streaming.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Tests.Optimization;

public class TrainingStepTests
{
    private const int Length = 16,
        Batch = 96;

    private readonly long[] _ids,
        _targets;
    private readonly bool[] _learn;

    public TrainingStepTests()
    {
        var random = new Random(1);
        _ids = [.. Enumerable.Range(0, Batch).Select(i => i % Length == 0 ? 0L : random.Next(SmallTraining.Config.VocabularySize))];
        _targets = [.. Enumerable.Range(0, Batch).Select(_ => (long)random.Next(SmallTraining.Config.VocabularySize))];
        _learn = [.. Enumerable.Range(0, Batch).Select(_ => random.Next(3) > 0)];
    }

    [Fact]
    public void Computes_the_gradients_of_the_mean_loss()
    {
        using var master = new MasterWeights(SmallTraining.Config, ScalarType.Float32, CPU, seed: 5);
        foreach (Parameter norm in master.Parameters.Where(p => p.Value.dim() == 1))
            norm.Value.mul_(TorchScalars.One).add_(randn_like(norm.Value).mul_(0.2f), TorchScalars.One);
        using var network = new Network(SmallTraining.Config, ScalarType.Float32, CPU);
        var step = new TrainingStep(master, network, sink: null, new ParallelLoop(2));
        float[][] gradients = [];
        step.Run(_ids, _targets, _learn, Length, 0, g => gradients = [.. g.Select(t => t.data<float>().ToArray())]);

        var random = new Random(2);
        for (int p = 0; p < master.Parameters.Count; p++)
        {
            // Compares with a finite difference along a random direction, in which all entries take part.
            Tensor value = master.Parameters[p].Value;
            float[] direction = [.. gradients[p].Select(_ => random.Next(2) == 0 ? -1f : 1f)];
            double expected = gradients[p].Zip(direction, (g, d) => (double)g * d).Sum();
            const float Small = 2e-4f;
            double difference =
                (MeanLoss(step, master, value, direction, Small) - MeanLoss(step, master, value, direction, -Small)) / (2 * Small);
            Assert.True(
                Math.Abs(difference - expected) < 0.02 * Math.Abs(expected) + 0.02,
                $"{master.Parameters[p].Name}: the loss changes by {difference}, the gradient says {expected}."
            );
        }
    }

    [Fact]
    public void Gives_the_same_bits_with_any_number_of_threads()
    {
        byte[][][] all =
        [
            .. ((int[])[1, 2, 3]).Select(threads =>
            {
                using var master = new MasterWeights(SmallTraining.Config, ScalarType.BFloat16, CPU, seed: 5);
                using var network = new Network(SmallTraining.Config, ScalarType.BFloat16, CPU);
                byte[][] bits = [];
                new TrainingStep(master, network, sink: null, new ParallelLoop(threads)).Run(
                    [.. Repeated(_ids)],
                    [.. Repeated(_targets)],
                    [.. Repeated(_learn)],
                    Length,
                    0,
                    g => bits = [.. g.Select(t => t.bytes.ToArray())]
                );
                return bits;
            }),
        ];
        Assert.Equal(all[0], all[1]);
        Assert.Equal(all[0], all[2]);
    }

    [Fact]
    public void Ignores_targets_outside_the_loss_mask()
    {
        using var master = new MasterWeights(SmallTraining.Config, ScalarType.Float32, CPU, seed: 5);
        using var network = new Network(SmallTraining.Config, ScalarType.Float32, CPU);
        var step = new TrainingStep(master, network, sink: null, new ParallelLoop(1));
        float[] one = [],
            other = [];
        (double loss, int count) = step.Run(_ids, _targets, _learn, Length, 0, g => one = [.. g[0].data<float>()]);
        long[] changed = [.. _targets.Select((t, i) => _learn[i] ? t : (t + 1) % SmallTraining.Config.VocabularySize)];
        Assert.Equal((loss, count), step.Run(_ids, changed, _learn, Length, 0, g => other = [.. g[0].data<float>()]));
        Assert.Equal(one, other);
        Assert.Equal(_learn.Count(l => l), count);
    }

    [Fact]
    public void Creates_an_attention_sink_with_the_sink_loss_only()
    {
        double[] shares =
        [
            .. ((SinkLoss?[])[null, new SinkLoss(0.6, weight: 1)]).Select(sink =>
            {
                using var master = new MasterWeights(SmallTraining.Config, ScalarType.Float32, CPU, seed: 5);
                using var network = new Network(SmallTraining.Config, ScalarType.Float32, CPU);
                var work = new ParallelLoop(2);
                using var optimizer = new AdamW(master.Parameters, work);
                var step = new TrainingStep(master, network, sink, work);
                for (int i = 0; i < 60; i++)
                    step.Run(_ids, _targets, _learn, Length, 0, g => optimizer.Step(g, 3e-3));
                double share = 0;
                using DisposeScope scope = NewDisposeScope();
                network.HiddenStates(
                    master.Cast(),
                    tensor(_ids, [Batch / Length, Length]),
                    eachLayer: (layer, attention) => share = layer == 1 ? attention[.., .., .., 0].mean().ToDouble() : share
                );
                return share;
            }),
        ];
        Assert.InRange(shares[0], 0, 0.35);
        Assert.InRange(shares[1], 0.5, 1);
    }

    [Fact]
    public void Drops_by_step_number_and_not_by_thread()
    {
        (int Threads, int Step)[] runs = [(1, 3), (3, 3), (1, 4)];
        byte[][][] all =
        [
            .. runs.Select(run =>
            {
                using var master = new MasterWeights(SmallTraining.Config, ScalarType.Float32, CPU, seed: 5);
                using var network = new Network(SmallTraining.Config, ScalarType.Float32, CPU);
                byte[][] bits = [];
                new TrainingStep(master, network, sink: null, new ParallelLoop(run.Threads), dropout: 0.3, seed: 1).Run(
                    [.. Repeated(_ids)],
                    [.. Repeated(_targets)],
                    [.. Repeated(_learn)],
                    Length,
                    run.Step,
                    g => bits = [.. g.Select(t => t.bytes.ToArray())]
                );
                return bits;
            }),
        ];
        Assert.Equal(all[0], all[1]);
        Assert.NotEqual(all[0], all[2]);
    }

    [Fact]
    public void Dropout_drops_its_share_and_preserves_the_mean()
    {
        using DisposeScope scope = NewDisposeScope();
        using var dropout = new Dropout(0.2, seed: 3, CPU);
        float[] added = [.. dropout.Add(zeros(100, 1000), ones(100, 1000)).data<float>()];
        Assert.Equal((float[])[0, 1.25f], added.Distinct().Order());
        Assert.Equal(1, added.Average(), 0.01);
    }

    private static IEnumerable<T> Repeated<T>(T[] items) => Enumerable.Repeat(items, 12).SelectMany(i => i); // 1152 tokens: three parts

    private double MeanLoss(TrainingStep step, MasterWeights master, Tensor value, float[] direction, float by)
    {
        using DisposeScope scope = NewDisposeScope();
        using Tensor before = value.clone();
        value.add_(tensor(direction, value.shape).mul_(by), TorchScalars.One);
        long[] rows = [.. Enumerable.Range(0, Batch).Where(i => _learn[i]).Select(i => (long)i)];
        double loss = step.Losses(
                master.Cast(),
                tensor(_ids, [Batch / Length, Length]),
                tensor(rows),
                tensor([.. rows.Select(r => _targets[r])], ScalarType.Int64)
            )
            .to(ScalarType.Float64)
            .mean()
            .ToDouble();
        value.copy_(before);
        return loss;
    }
}
