using Microsoft.Extensions.Time.Testing;
using Streaming.Inference;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tokenizing;
using Streaming.Training.Metrics;
using Streaming.Training.Model;
using TorchSharp;

namespace Streaming.Training.Tests;

public class TrainerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, 0.4, 0), InlineData(true, null, 0), InlineData(true, null, 0.2)]
    public void Resumes_an_interrupted_training_with_the_losses_of_an_uninterrupted_one(bool float32, double? sinkShare, double dropout)
    {
        using var training = new SmallTraining();
        RecordedProgress whole = new(),
            first = new(),
            second = new();
        TrainingOptions options = training.Options("whole") with { Float32 = float32, SinkShare = sinkShare, Dropout = dropout };

        Assert.Equal(TrainingOutcome.Complete, Trainer.Run(options, whole, cancel: Cancel));
        TrainingOptions apart = training.Options("apart") with { Float32 = float32, SinkShare = sinkShare, Dropout = dropout };
        Assert.Equal(TrainingOutcome.Paused, Trainer.Run(apart with { Steps = 13 }, first, cancel: Cancel));
        Assert.Equal(TrainingOutcome.Complete, Trainer.Run(apart with { Threads = 1 }, second, cancel: Cancel));

        Assert.Equal(40, whole.Steps.Count);
        Assert.Equal(13, first.Steps.Count);
        Assert.Equal(whole.Steps, [.. first.Steps, .. second.Steps]);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(options.Output, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(apart.Output, "model.safetensors"))
        );
        Assert.True(
            whole.Steps[^1].Loss < 0.7 * whole.Steps[0].Loss,
            $"The loss went from {whole.Steps[0].Loss} to {whole.Steps[^1].Loss}."
        );
    }

    [Fact]
    public void Repeats_the_steps_since_the_last_saved_state_after_a_kill()
    {
        using var training = new SmallTraining();
        var clock = new FakeTimeProvider();
        TrainingOptions options = training.Options("killed") with { SaveEvery = TimeSpan.FromMinutes(10) };
        var whole = new RecordedProgress();
        Trainer.Run(training.Options("whole"), whole, cancel: Cancel);

        var killed = new RecordedProgress(step =>
        {
            clock.Advance(TimeSpan.FromMinutes(1)); // so that the tenth step is the last one that is saved
            if (step.Step == 17)
                throw new InvalidOperationException("the power fails");
        });
        Assert.Throws<InvalidOperationException>(() => Trainer.Run(options, killed, clock, Cancel));
        var second = new RecordedProgress();
        Trainer.Run(options, second, cancel: Cancel);

        Assert.Equal(11, second.Steps[0].Step);
        Assert.Equal(whole.Steps[10..], second.Steps);
    }

    [Fact]
    public void Saves_the_state_after_the_current_step_when_cancelled()
    {
        using var training = new SmallTraining();
        using var source = new CancellationTokenSource();
        var first = new RecordedProgress(step =>
        {
            if (step.Step == 3)
                source.Cancel();
        });
        Assert.Equal(TrainingOutcome.Paused, Trainer.Run(training.Options("asked"), first, cancel: source.Token));
        Assert.Equal(3, first.Steps.Count);
        var second = new RecordedProgress();
        Trainer.Run(training.Options("asked"), second, cancel: Cancel);
        Assert.Equal(4, second.Steps[0].Step);
    }

    [Fact]
    public void Saves_the_state_when_cancelled_during_an_evaluation()
    {
        using var training = new SmallTraining();
        using var source = new CancellationTokenSource();
        var first = new RecordedProgress(logged: line =>
        {
            if (line.StartsWith("held out", StringComparison.Ordinal))
                source.Cancel();
        });
        Assert.Equal(
            TrainingOutcome.Paused,
            Trainer.Run(training.Options("asked") with { EvaluateEvery = 3 }, first, cancel: source.Token)
        );
        Assert.DoesNotContain(first.Lines, line => line.StartsWith("  > ", StringComparison.Ordinal));
        var second = new RecordedProgress();
        Trainer.Run(training.Options("asked"), second, cancel: Cancel);
        Assert.Equal(4, second.Steps[0].Step);
    }

    [Fact]
    public void Computes_the_same_logits_for_a_checkpoint_as_the_engine()
    {
        using var training = new SmallTraining();
        TrainingOptions options = training.Options("engine") with { Float32 = true };
        Trainer.Run(options, new RecordedProgress(), cancel: Cancel);

        using var checkpoint = Checkpoint.Open(options.Output);
        int[] ids = Tokenizer
            .Load(checkpoint)
            .Encode("The dog sings and the owl waits. The cat sleeps and the bear swims.", parseControl: false, addSpecial: true);
        using var master = new MasterWeights(checkpoint.Config, torch.ScalarType.Float32, torch.CPU, seed: 0);
        master.Load(checkpoint.Weights);
        using var network = new Network(checkpoint.Config, torch.ScalarType.Float32, torch.CPU);
        using torch.Tensor ours = network.Logits(master.Cast(), ids);

        using var decoder = Decoder.Load(
            checkpoint.Config,
            checkpoint.Weights,
            new DecoderOptions
            {
                DType = DType.Float32,
                Slots = 1,
                Capacity = 64,
            }
        );
        using torch.Tensor theirs = decoder.Forward([
            new Segment
            {
                Slot = 0,
                Layout = new CacheLayout(0, 64),
                Position = 0,
                Fed = 0,
                Ids = ids,
                Logits = LogitRows.All,
            },
        ])!;

        Assert.Equal(0, Tokenizer.Load(checkpoint).BosId);
        Assert.Equal(0, ids[0]);
        Assert.Equal(theirs.shape, ours.shape);
        float[] expected = [.. theirs.data<float>()],
            actual = [.. ours.data<float>()];
        Assert.True(expected.Max() - expected.Min() > 3, "The logits hardly differ.");
        Assert.Equal(0, expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max(), 1e-4);
    }

    [Fact]
    public void Evaluates_at_intervals_and_stops_when_the_held_out_loss_stops_improving()
    {
        using var training = new SmallTraining();
        // The learning rate is far too high for a lasting improvement.
        TrainingOptions options = training.Options("patience") with
        {
            EvaluateEvery = 2,
            Patience = 2,
            Rate = 1,
            WarmUp = 1,
        };
        var progress = new RecordedProgress();

        Assert.Equal(TrainingOutcome.EarlyStopped, Trainer.Run(options, progress, cancel: Cancel));

        Assert.True(progress.Steps.Count < 40);
        string[] scored = [.. File.ReadLines(Path.Combine(options.Work, MetricsLog.HeldOutFile)).Skip(1)];
        Assert.Equal(["even", "odd", "stories", "mixture"], scored.Take(4).Select(line => line.Split(',')[1]));
        Assert.Contains(progress.Lines, line => line.StartsWith("  > Hello!", StringComparison.Ordinal));
    }

    [Fact]
    public void Starts_a_new_training_from_the_weights_and_tokenizer_of_a_checkpoint()
    {
        using var training = new SmallTraining();
        TrainingOptions options = training.Options("first");
        (RecordedProgress? first, RecordedProgress? second) = (new RecordedProgress(), new RecordedProgress());
        Trainer.Run(options, first, cancel: Cancel);
        Trainer.Run(training.Options("second") with { From = options.Output, Steps = 1 }, second, cancel: Cancel);

        Assert.True(second.Steps[0].Loss < 0.7 * first.Steps[0].Loss);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(options.Output, "tokenizer.json")),
            File.ReadAllBytes(Path.Combine(training.Options("second").Output, "tokenizer.json"))
        );
    }

    [Fact]
    public void Resumes_with_a_mixture_whose_shares_changed()
    {
        using var training = new SmallTraining();
        TrainingOptions options = training.Options("joined") with { Tokens = 256 * 60 };
        training.Replace("\"share\": 2, \"kind\": \"Story\"", "\"share\": 0, \"kind\": \"Story\"");
        Trainer.Run(options with { Steps = 20 }, new RecordedProgress(), cancel: Cancel);
        training.Replace("\"share\": 0, \"kind\": \"Story\"", "\"share\": 7, \"kind\": \"Story\"");
        var second = new RecordedProgress();
        Trainer.Run(options, second, cancel: Cancel);

        Assert.Equal(21, second.Steps[0].Step);
        Assert.Equal(60, second.Steps[^1].Step);
    }

    [Fact]
    public void Refuses_a_work_folder_that_another_training_uses()
    {
        using var training = new SmallTraining();
        InputException? refused = null;
        var progress = new RecordedProgress(_ =>
            refused ??= Assert.Throws<InputException>(() => Trainer.Run(training.Options("one"), new RecordedProgress()))
        );
        Trainer.Run(training.Options("one") with { Steps = 1 }, progress, cancel: Cancel);
        Assert.Contains("stop the training that uses it", refused!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_a_state_of_another_shape_and_a_damaged_state()
    {
        using var training = new SmallTraining();
        TrainingOptions options = training.Options("shape");
        Trainer.Run(options with { Steps = 1 }, new RecordedProgress(), cancel: Cancel);
        Refused(options with { Layers = 3 }, "another model", "3 layers");
        string state = Path.Combine(options.Work, "state.safetensors");
        File.WriteAllBytes(state, File.ReadAllBytes(state)[..100]);
        Refused(options, "state.safetensors", "cannot be read");
    }

    [Theory]
    [InlineData("\"share\": 3", "\"share\": -3", "'even' has the share -3")]
    [InlineData("dialogues.jsonl\", \"only\": \"even\"", "nowhere.jsonl\", \"only\": \"even\"", "nowhere.jsonl")]
    [InlineData("\"only\": \"even\"", "\"only\": \"neither\"", "'even' has no texts")]
    [InlineData("\"generator\": \"sums\"", "\"generator\": \"poems\"", "'poems': use small-talk")]
    [InlineData("\"Story\": [\"You tell.\"]", "\"Story\": []", "no system prompts for the kind 'Story'")]
    [InlineData("\"name\": \"odd\"", "\"name\": \"even\"", "is there twice")]
    [InlineData("\"separator\"", "\"divider\"", "divider")]
    [InlineData("\"text\": \"stories.txt\"", "\"text\": \"stories.txt\", \"generator\": \"sums\"", "exactly one of")]
    public void Refuses_an_invalid_mixture_with_a_sentence(string old, string replacement, string message)
    {
        using var training = new SmallTraining();
        training.Replace(old, replacement);
        Refused(training.Options("wrong"), message);
    }

    [Fact]
    public void Refuses_invalid_options_with_a_sentence()
    {
        using var training = new SmallTraining();
        TrainingOptions options = training.Options("impossible");
        Refused(options with { Lengths = [new(32, 0.5)] }, "starts after the training does");
        Refused(options with { Lengths = [new(48, 0)] }, "do not fill a step of 256");
        Refused(options with { Lengths = [new(64, 0), new(32, 0.5)] }, "get shorter");
        Refused(options with { KeyValueHeads = 3 }, "cannot share");
        Refused(options with { Dropout = 1 }, "The dropout is 1");
        Refused(options with { Device = "cuda:0" }, "The device cuda:0 is not available");
        Refused(options with { Vocabulary = 5000 }, "use a smaller --vocabulary");
        Refused(options with { Tokenizer = training.Folder }, "has no tokenizer.json");
    }

    private static void Refused(TrainingOptions options, params string[] message)
    {
        InputException refused = Assert.Throws<InputException>(() => Trainer.Run(options, new RecordedProgress(), cancel: Cancel));
        foreach (string part in message)
            Assert.Contains(part, refused.Message, StringComparison.Ordinal);
    }
}
