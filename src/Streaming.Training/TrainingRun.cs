using System.Globalization;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels.LibTorch;
using Streaming.Training.Checkpoints;
using Streaming.Training.DataLoading;
using Streaming.Training.Evaluation;
using Streaming.Training.Metrics;
using Streaming.Training.Model;
using Streaming.Training.Numerics;
using Streaming.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training;

/// <summary>One run of a training: from the saved state or the beginning, until it completes or stops.</summary>
internal sealed class TrainingRun : IDisposable
{
    private const int StepsPerLine = 50;
    private const double Floor = 0.02; // the share of the peak learning rate that remains at the end
    private const ulong SampleSeed = 1;
    private const int SampleTokens = 80;

    private static readonly string[] SampleMessages =
    [
        "Hello!",
        "Who are you?",
        "What is 2 plus 3?",
        "I feel sad today.",
        "Tell me a story about a dog.",
    ];

    private readonly TrainingOptions _options;
    private readonly DocumentEncoder _encoder;
    private readonly ITrainingProgress _progress;
    private readonly TimeProvider _clock;
    private readonly MasterWeights _master;
    private readonly Network _network;
    private readonly AdamW _optimizer;
    private readonly SinkLoss? _sink;
    private readonly TrainingStep _step;
    private readonly HeldOutLoss _heldOut;
    private readonly SinkAttention _sinkShares;
    private readonly BatchLoader _loader;
    private readonly MetricsLog _metrics;
    private readonly IReadOnlyDictionary<string, double> _shares;
    private readonly LearningRateSchedule _rate;

    private LoaderState _loaderState;
    private long _tokens,
        _since;
    private double? _best;
    private int _sinceBest;
    private TimeSpan _elapsed;

    public TrainingRun(
        TrainingOptions options,
        ModelConfig config,
        Dataset texts,
        DocumentEncoder encoder,
        ITrainingProgress progress,
        TimeProvider clock
    )
    {
        (_options, _encoder, _progress, _clock) = (options, encoder, progress, clock);
        ScalarType type = options.Float32 ? ScalarType.Float32 : ScalarType.BFloat16;
        Device device = TorchDevices.Of(options.Device);
        var loop = new ParallelLoop(device.type == DeviceType.CPU ? options.Threads ?? Environment.ProcessorCount : 1);
        _master = new MasterWeights(config, type, device, options.Seed);
        _network = new Network(config, type, device);
        _optimizer = new AdamW(_master.Parameters, loop);
        _sink = options.SinkShare is double share ? new SinkLoss(share, options.SinkWeight) : null;
        _step = new TrainingStep(_master, _network, _sink, loop, options.Dropout, (ulong)options.Seed);
        _heldOut = new HeldOutLoss(_master, _step, texts.HeldOut, encoder.Bos, loop);
        _sinkShares = new SinkAttention(texts.HeldOut, encoder.Bos);
        _rate = new LearningRateSchedule(options.Rate, options.WarmUp, Floor);
        _shares = texts.Sources.ToDictionary(s => s.Description.Name, s => s.Description.Share);

        TrainingState? state = TrainingState.IsIn(options.Work) ? TrainingState.Read(options.Work, _master, _optimizer) : null;
        (_tokens, _best, _sinceBest, _elapsed) = (state?.Tokens ?? 0, state?.BestLoss, state?.SinceBest ?? 0, state?.Elapsed ?? default);
        _since = _tokens;
        if (state is null && options.From is string from)
            Begin(from);
        _loaderState = new LoaderState(
            state?.Mixture ?? new MixtureState(),
            state?.Packer ?? new PackerState { Random = SeededRandom.For((ulong)options.Seed, "packing", 0).State }
        );
        _loader = new BatchLoader(
            texts.Sources,
            encoder.Bos,
            options.Batch,
            new LoaderState(_loaderState.Mixture.Copy(), _loaderState.Packer.Copy())
        );
        _metrics = new MetricsLog(options.Work, _tokens);
        _metrics.AddRun(_tokens, options.Tokens, options.Batch, options.Rate, options.SinkShare, options.SinkWeight);
        string start =
            state is not null ? string.Create(CultureInfo.InvariantCulture, $"resumed at step {_optimizer.Steps}, {_tokens:N0} tokens")
            : options.From is null ? "random initial weights"
            : $"initial weights from '{options.From}'";
        Log($"{_master.Parameters.Sum(p => p.Value.numel()):N0} parameters; {start}.");
    }

    /// <summary>Trains until the training completes, this run reaches its number of steps, or the held-out loss stops improving.</summary>
    public TrainingOutcome Train(CancellationToken cancel)
    {
        long begun = _clock.GetTimestamp(),
            saved = begun,
            line = begun;
        TimeSpan before = _elapsed;
        (double loss, long count, int steps) = (0.0, 0L, 0);
        TrainingOutcome end = TrainingOutcome.Complete;
        while (_tokens < _options.Tokens)
        {
            if (cancel.IsCancellationRequested || steps == _options.Steps)
            {
                end = TrainingOutcome.Paused;
                break;
            }
            double progress = (double)_tokens / _options.Tokens,
                rate = _rate.At(_optimizer.Steps, progress);
            int length = LengthAt(_tokens);
            long next = _tokens + _options.Batch;

            TrainingBatch batch = _loader.Next(length, next < _options.Tokens && steps + 1 != _options.Steps ? LengthAt(next) : null);
            double norm = 0;
            (double stepLoss, int stepCount) = _step.Run(
                batch.Ids,
                batch.Targets,
                batch.LossMask,
                length,
                _optimizer.Steps,
                gradients => norm = _optimizer.Step(gradients, rate)
            );
            (loss, count) = (loss + stepLoss, count + stepCount);
            (_tokens, _loaderState) = (next, batch.After);
            steps++;
            _progress.StepCompleted(new StepResult(_optimizer.Steps, _tokens, stepLoss / stepCount, rate, norm));

            _elapsed = before + _clock.GetElapsedTime(begun);
            if (_optimizer.Steps % StepsPerLine == 0)
            {
                Line(loss / count, rate, norm, length, _clock.GetElapsedTime(line));
                (loss, count, _since, line) = (0, 0, _tokens, _clock.GetTimestamp());
            }

            if (_optimizer.Steps % _options.EvaluateEvery == 0)
            {
                bool better = Evaluate(length, cancel);
                line = _clock.GetTimestamp();
                if (!better && _options.Patience > 0 && _sinceBest >= _options.Patience)
                {
                    end = TrainingOutcome.EarlyStopped;
                    break;
                }
            }
            if (_clock.GetElapsedTime(saved) >= _options.SaveEvery)
            {
                Save();
                (saved, _since) = (line = _clock.GetTimestamp(), _tokens);
            }
        }
        Save();
        CheckpointWriter.Write(_options.Output, _master, _encoder);
        Log($"{end}: {_optimizer.Steps} steps, {_tokens:N0} tokens, {Durations.Of(_elapsed)}.");
        return end;
    }

    public void Dispose()
    {
        _loader.Dispose();
        _sink?.Dispose();
        _optimizer.Dispose();
        _network.Dispose();
        _master.Dispose();
    }

    private int LengthAt(long tokens) => _options.Lengths.Last(l => l.From <= (double)tokens / _options.Tokens).Tokens;

    private void Begin(string from)
    {
        using var checkpoint = Checkpoint.Open(from);
        if (checkpoint.Config with { ContextLength = _master.Config.ContextLength } != _master.Config)
            throw new InputException(
                $"'{from}' has another shape than the options name: use its layers, sizes and heads, or leave --from out."
            );
        _master.Load(checkpoint.Weights);
    }

    private void Line(double loss, double rate, double norm, int length, TimeSpan time)
    {
        double perSecond = (_tokens - _since) / time.TotalSeconds;
        _metrics.AddLoss(_tokens, _optimizer.Steps, _elapsed.TotalHours, length, loss, rate, norm, perSecond);
        var left = TimeSpan.FromSeconds((_options.Tokens - _tokens) / perSecond);
        string speed = string.Create(CultureInfo.InvariantCulture, $"{perSecond:F0} tokens/s  {Durations.Of(left)} left");
        Log($"step {_optimizer.Steps}  {_tokens:N0} tokens  loss {loss:F4}  rate {rate:E2}  norm {norm:F2}  length {length}  {speed}");
    }

    /// <summary>Held-out loss, attention on the start token, and sample replies by the engine.</summary>
    /// <returns>Whether the held-out loss is the best so far.</returns>
    private bool Evaluate(int length, CancellationToken cancel)
    {
        (double sum, double weight) = (0.0, 0.0);
        foreach (SourceLoss source in _heldOut.Measure(length).Where(s => s.Tokens > 0))
        {
            _metrics.AddHeldOut(_tokens, source.Source, source.PerToken, source.Tokens, source.Characters);
            double share = _shares.GetValueOrDefault(source.Source);
            (sum, weight) = (sum + share * source.PerToken, weight + share);
        }
        foreach ((string source, long tokens) in _loaderState.Mixture.Tokens)
            _metrics.AddSource(_tokens, source, tokens, _loaderState.Mixture.Numbers[source]);
        // Weighted by the shares of the mixture, so that the largest sources decide whether the model improves.
        double mean = sum / weight;
        _metrics.AddHeldOut(_tokens, "mixture", mean, 0, 0);
        bool better = weight > 0 && (_best is null || mean < _best);
        (_best, _sinceBest) = better ? (mean, 0) : (_best, _sinceBest + 1);
        IReadOnlyList<float[]> sinks = _sinkShares.Measure(_master, _network);
        for (int l = 0; l < sinks.Count; l++)
        {
            for (int h = 0; h < sinks[l].Length; h++)
                _metrics.AddSink(_tokens, l, h, sinks[l][h]);
        }
        string rank = better ? "the best so far" : $"{_sinceBest} evaluations after the best";
        string shares = string.Join(
            " | ",
            sinks.Select(l => string.Join(" ", l.Select(s => s.ToString("P0", CultureInfo.InvariantCulture))))
        );
        Log($"held out {mean:F4}, {rank}; attention on the start token: {(sinks.Count == 0 ? "-" : shares)}");

        CheckpointWriter.Write(_options.Output, _master, _encoder);
        LogReplies(cancel);
        return better;
    }

    /// <summary>Logs sample replies; cancellation skips the rest.</summary>
    private void LogReplies(CancellationToken cancel)
    {
        try
        {
            IReadOnlyList<Reply> replies = ReplySampler
                .SampleAsync(
                    _options.Output,
                    SampleMessages,
                    s => s with { MaxTokens = SampleTokens, Seed = SampleSeed },
                    _options.Threads,
                    cancel
                )
                .GetAwaiter()
                .GetResult();
            foreach ((string message, Reply reply) in SampleMessages.Zip(replies))
                Log($"  > {message}  {reply.Text.ReplaceLineEndings(" / ")}");
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            Log($"Sample replies are skipped: the training was asked to stop.");
        }
    }

    private void Save()
    {
        new TrainingState
        {
            Config = _master.Config,
            Tokens = _tokens,
            Steps = _optimizer.Steps,
            Elapsed = _elapsed,
            Mixture = _loaderState.Mixture,
            Packer = _loaderState.Packer,
            BestLoss = _best,
            SinceBest = _sinceBest,
        }.Write(_options.Work, _master, _optimizer);
    }

    private void Log(FormattableString line) => _progress.Log(line.ToString(CultureInfo.InvariantCulture));
}
