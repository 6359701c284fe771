using System.Globalization;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Training.Checkpoints;
using Streaming.Training.Dealing;
using Streaming.Training.Evaluation;
using Streaming.Training.Learning;
using Streaming.Training.Reports;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training;

/// <summary>One run of a training: from its state, or from the beginning, until it ends or is ended.</summary>
internal sealed class TrainingRun : IDisposable
{
    private const int StepsPerLine = 50;
    private const double Floor = 0.02; // of the learning rate's peak, at the end
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
    private readonly Masters _masters;
    private readonly Network _network;
    private readonly AdamW _optimizer;
    private readonly SinkTarget? _sink;
    private readonly LearningStep _step;
    private readonly HeldOutLoss _heldOut;
    private readonly SinkShares _sinkShares;
    private readonly BatchDealer _dealer;
    private readonly RunFigures _figures;
    private readonly IReadOnlyDictionary<string, double> _shares;
    private readonly LearningRate _rate;

    private DealingState _dealt;
    private long _tokens,
        _since;
    private double? _best;
    private int _sinceBest;
    private TimeSpan _elapsed;

    public TrainingRun(
        TrainingOptions options,
        ModelConfig config,
        TextCollection texts,
        DocumentEncoder encoder,
        ITrainingProgress progress,
        TimeProvider clock
    )
    {
        (_options, _encoder, _progress, _clock) = (options, encoder, progress, clock);
        ScalarType type = options.Float32 ? ScalarType.Float32 : ScalarType.BFloat16;
        Device device = TorchDevices.Of(options.Device);
        var work = new SharedWork(device.type == DeviceType.CPU ? options.Threads ?? Environment.ProcessorCount : 1);
        _masters = new Masters(config, type, device, options.Seed);
        _network = new Network(config, type, device);
        _optimizer = new AdamW(_masters.Parameters, work);
        _sink = options.SinkShare is double share ? new SinkTarget(share, options.SinkWeight) : null;
        _step = new LearningStep(_masters, _network, _sink, work, options.Dropout, (ulong)options.Seed);
        _heldOut = new HeldOutLoss(_masters, _step, texts.HeldOut, encoder.Bos, work);
        _sinkShares = new SinkShares(texts.HeldOut, encoder.Bos);
        _rate = new LearningRate(options.Rate, options.WarmUp, Floor);
        _shares = texts.Sources.ToDictionary(s => s.Description.Name, s => s.Description.Share);

        TrainingState? state = TrainingState.IsIn(options.Work) ? TrainingState.Read(options.Work, _masters, _optimizer) : null;
        (_tokens, _best, _sinceBest, _elapsed) = (state?.Tokens ?? 0, state?.BestLoss, state?.SinceBest ?? 0, state?.Elapsed ?? default);
        _since = _tokens;
        if (state is null && options.From is string from)
            Begin(from);
        _dealt = new DealingState(
            state?.Mixture ?? new MixtureState(),
            state?.Packer ?? new PackerState { Random = SeededRandom.For((ulong)options.Seed, "packing", 0).State }
        );
        _dealer = new BatchDealer(texts.Sources, encoder.Bos, options.Batch, new DealingState(_dealt.Mixture.Copy(), _dealt.Packer.Copy()));
        _figures = new RunFigures(options.Work, _tokens);
        _figures.AddRun(_tokens, options);
        Say(
            $"{_masters.Parameters.Sum(p => p.Value.numel()):N0} parameters; {(state is null ? options.From is null ? "from the beginning" : "beginning with the weights of another checkpoint" : $"going on at step {_optimizer.Steps}, {_tokens:N0} tokens")}."
        );
    }

    /// <summary>Trains until the end of the training, of this run, or of patience.</summary>
    public TrainingEnd Learn(CancellationToken cancel)
    {
        long begun = _clock.GetTimestamp(),
            saved = begun,
            line = begun;
        TimeSpan before = _elapsed;
        var (loss, count, steps) = (0.0, 0L, 0);
        TrainingEnd end = TrainingEnd.Complete;
        while (_tokens < _options.Tokens)
        {
            if (cancel.IsCancellationRequested || steps == _options.Steps)
            {
                end = TrainingEnd.Paused;
                break;
            }
            double progress = (double)_tokens / _options.Tokens,
                rate = _rate.At(_optimizer.Steps, progress);
            int length = LengthAt(_tokens);
            long next = _tokens + _options.Batch;

            DealtBatch batch = _dealer.Next(length, next < _options.Tokens && steps + 1 != _options.Steps ? LengthAt(next) : null);
            double norm = 0;
            (double stepLoss, int stepCount) = _step.Run(
                batch.Ids,
                batch.Targets,
                batch.Learn,
                length,
                _optimizer.Steps,
                gradients => norm = _optimizer.Step(gradients, rate)
            );
            (loss, count) = (loss + stepLoss, count + stepCount);
            (_tokens, _dealt) = (next, batch.After);
            steps++;
            _progress.Stepped(new StepDone(_optimizer.Steps, _tokens, stepLoss / stepCount, rate, norm));

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
                    end = TrainingEnd.NoBetter;
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
        CheckpointWriter.Write(_options.Output, _masters, _encoder);
        Say($"{end}: {_optimizer.Steps} steps, {_tokens:N0} tokens, {Durations.Of(_elapsed)}.");
        return end;
    }

    public void Dispose()
    {
        _dealer.Dispose();
        _sink?.Dispose();
        _optimizer.Dispose();
        _network.Dispose();
        _masters.Dispose();
    }

    private int LengthAt(long tokens) => _options.Lengths.Last(l => l.From <= (double)tokens / _options.Tokens).Tokens;

    private void Begin(string from)
    {
        using Checkpoint checkpoint = Checkpoint.Open(from);
        if (checkpoint.Config with { ContextLength = _masters.Config.ContextLength } != _masters.Config)
            throw new InputException(
                $"'{from}' is of another shape than was asked for: ask for its layers, widths and heads, or leave --from out."
            );
        _masters.Load(checkpoint.Weights);
    }

    private void Line(double loss, double rate, double norm, int length, TimeSpan time)
    {
        double perSecond = (_tokens - _since) / time.TotalSeconds;
        _figures.AddLoss(_tokens, _optimizer.Steps, _elapsed.TotalHours, length, loss, rate, norm, perSecond);
        Say(
            $"step {_optimizer.Steps}  {_tokens:N0} tokens  loss {loss:F4}  rate {rate:E2}  norm {norm:F2}  length {length}  {perSecond:F0} tokens/s  {Durations.Of(TimeSpan.FromSeconds((_options.Tokens - _tokens) / perSecond))} left"
        );
    }

    /// <summary>Held-out loss, attention on the start token, and sample replies by the engine.</summary>
    /// <returns>Whether the held-out loss is the best so far.</returns>
    private bool Evaluate(int length, CancellationToken cancel)
    {
        var (sum, weight) = (0.0, 0.0);
        foreach (SourceLoss source in _heldOut.Measure(length).Where(s => s.Tokens > 0))
        {
            _figures.AddHeldOut(_tokens, source.Source, source.PerToken, source.Tokens, source.Characters);
            double share = _shares.GetValueOrDefault(source.Source);
            (sum, weight) = (sum + share * source.PerToken, weight + share);
        }
        foreach ((string source, long dealt) in _dealt.Mixture.Tokens)
            _figures.AddSource(_tokens, source, dealt, _dealt.Mixture.Numbers[source]);
        // Weighted as it is learnt: what most of the training is about decides whether it gets better.
        double mean = sum / weight;
        _figures.AddHeldOut(_tokens, "mixture", mean, 0, 0);
        bool better = weight > 0 && (_best is null || mean < _best);
        (_best, _sinceBest) = better ? (mean, 0) : (_best, _sinceBest + 1);
        IReadOnlyList<float[]> sinks = _sinkShares.Measure(_masters, _network);
        for (int l = 0; l < sinks.Count; l++)
        {
            for (int h = 0; h < sinks[l].Length; h++)
                _figures.AddSink(_tokens, l, h, sinks[l][h]);
        }
        Say(
            $"held out {mean:F4}{(better ? ", the best so far" : $", {_sinceBest} evaluations after the best")}; on the start token {(sinks.Count == 0 ? "-" : string.Join(" | ", sinks.Select(l => string.Join(" ", l.Select(s => s.ToString("P0", CultureInfo.InvariantCulture))))))}"
        );

        CheckpointWriter.Write(_options.Output, _masters, _encoder);
        SayReplies(cancel);
        return better;
    }

    /// <summary>Sample replies; a training that is to pause does without the rest.</summary>
    private void SayReplies(CancellationToken cancel)
    {
        try
        {
            IReadOnlyList<Reply> replies = Replies
                .OfAsync(
                    _options.Output,
                    SampleMessages,
                    s => s with { MaxTokens = SampleTokens, Seed = SampleSeed },
                    systemPrompt: null,
                    _options.Threads,
                    cancel
                )
                .GetAwaiter()
                .GetResult();
            foreach ((string message, Reply reply) in SampleMessages.Zip(replies))
                Say($"  > {message}  {reply.Text.ReplaceLineEndings(" / ")}");
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            Say("No sample replies: the training is to pause.");
        }
    }

    private void Save()
    {
        new TrainingState
        {
            Config = _masters.Config,
            Tokens = _tokens,
            Steps = _optimizer.Steps,
            Elapsed = _elapsed,
            Mixture = _dealt.Mixture,
            Packer = _dealt.Packer,
            BestLoss = _best,
            SinceBest = _sinceBest,
        }.Write(_options.Work, _masters, _optimizer);
    }

    private void Say(FormattableString line) => _progress.Say(line.ToString(CultureInfo.InvariantCulture));

    private void Say(string line) => _progress.Say(line);
}
