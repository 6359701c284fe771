using System.Text.RegularExpressions;
using Streaming.Inference;
using Streaming.Training.Evaluation;
using Streaming.Training.SyntheticDialogue;

namespace Streaming.Training.Tests.Evaluation;

public class EvaluatorTests
{
    [Fact]
    public async Task Scores_held_out_texts_answers_the_opening_messages_and_samples_a_story()
    {
        using var training = new SmallTraining();
        TrainingOptions options = training.Options("evaluated");
        Trainer.Run(options, new RecordedProgress(), cancel: TestContext.Current.CancellationToken);
        Trainer.Run(training.Options("worse") with { Steps = 1 }, new RecordedProgress(), cancel: TestContext.Current.CancellationToken);

        EvaluationReport report = await Evaluator.RunAsync(
            Of(training, options.Output) with
            {
                Against = training.Options("worse").Output,
            },
            _ => { },
            TestContext.Current.CancellationToken
        );

        Assert.Equal(["even", "odd", "stories"], report.HeldOut.Select(s => s.Source));
        foreach ((SourceResult trained, SourceResult worse) in report.HeldOut.Zip(report.Against!))
        {
            Assert.Equal(trained.PerplexityPerCharacter, Math.Exp(trained.LossPerToken * trained.Tokens / trained.Characters), 1e-9);
            Assert.True(trained.PerplexityPerCharacter < 0.8 * worse.PerplexityPerCharacter, $"{trained} is no better than {worse}.");
        }
        Assert.Equal(OpeningMessages.Default.Messages, report.Openings.Select(o => o.Message));
        Assert.Contains(report.Openings, reply => reply is { Cut: true, Text.Length: > 0 });
        Assert.Equal(300, report.Story!.Tokens);
        Assert.InRange(report.Story.RepeatedShare, 0, 1);
        string path = Path.Combine(training.Folder, "report.json");
        File.WriteAllText(path, report.ToJson());
        Assert.Equal(report.ToJson(), EvaluationReport.Read(path).ToJson());
    }

    [Fact]
    public async Task Refuses_a_model_that_it_cannot_score()
    {
        using var training = new SmallTraining();
        TrainingOptions options = training.Options("short");
        Trainer.Run(options with { Steps = 1 }, new RecordedProgress(), cancel: TestContext.Current.CancellationToken);
        InputException refused = await Assert.ThrowsAsync<InputException>(() =>
            Evaluator.RunAsync(Of(training, options.Output) with { Length = 128 }, _ => { }, TestContext.Current.CancellationToken)
        );
        Assert.Contains("use a smaller --length", refused.Message, StringComparison.Ordinal);

        string config = Path.Combine(options.Output, "config.json");
        File.WriteAllText(
            config,
            Regex.Replace(File.ReadAllText(config), "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false")
        );
        refused = await Assert.ThrowsAsync<InputException>(() =>
            Evaluator.RunAsync(Of(training, options.Output), _ => { }, TestContext.Current.CancellationToken)
        );
        Assert.Contains("lm_head.weight", refused.Message, StringComparison.Ordinal);
    }

    private static EvaluatorOptions Of(SmallTraining training, string model) =>
        new()
        {
            Model = model,
            Mixture = Path.Combine(training.Folder, "mixture.json"),
            Data = training.Folder,
            Length = 64,
            ReplyTokens = 8,
            StoryTokens = 300,
            Threads = 1,
        };
}
