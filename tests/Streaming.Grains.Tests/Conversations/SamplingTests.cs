using System.Reflection;
using System.Text.Json;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Conversations;
using Streaming.Grains.Workers;
using Streaming.Inference.Sampling;

namespace Streaming.Grains.Tests.Conversations;

public class SamplingTests
{
    /// <summary>Every field of the hub's sampling, with values that are neither the engine's defaults nor the checkpoint's below.</summary>
    private static readonly Sampling Whole = new()
    {
        Temperature = 1.5,
        TopP = 0.25,
        TopK = 7,
        MinP = 0.125,
        RepeatPenalty = 1.25,
        FrequencyPenalty = 0.75,
        PresencePenalty = 0.5,
        Seed = 99,
        MaxTokens = 12,
        IgnoreEos = true,
        Stop = ["end"],
        LogitBias = new Dictionary<int, double> { [3] = 2 },
        TypicalP = 0.375,
        NoRepeatNgramSize = 4,
        SuppressTokens = [5],
        BeginSuppressTokens = [6],
        BadWordsIds =
        [
            [8, 9],
        ],
        MinNewTokens = 2,
    };

    private static readonly SamplingParameters Checkpoints = new()
    {
        Temperature = 0.1,
        TopP = 0.11,
        TopK = 12,
        MinP = 0.13,
        RepeatPenalty = 1.14,
        FrequencyPenalty = 0.15,
        PresencePenalty = 0.16,
        MaxTokens = 17,
        Stop = ["checkpoint's"],
        LogitBias = new Dictionary<int, double> { [18] = 1 },
        TypicalP = 0.19,
        NoRepeatNgramSize = 20,
        SuppressTokens = [21],
        BeginSuppressTokens = [22],
        BadWordsIds =
        [
            [23],
        ],
        MinNewTokens = 24,
    };

    private static readonly PropertyInfo[] Fields = typeof(Sampling).GetProperties(BindingFlags.Public | BindingFlags.Instance);

    [Fact]
    public void Every_field_that_is_set_reaches_the_engine()
    {
        Assert.DoesNotContain(Fields, field => field.GetValue(Whole) is null);

        Assert.Equal(Texts(Whole), Texts(Whole.Resolve(Checkpoints).ToParameters()));
    }

    [Fact]
    public void Every_field_that_is_left_open_is_the_checkpoints()
    {
        SamplingParameters engine = new Sampling { Seed = 1, IgnoreEos = true }
            .Resolve(Checkpoints)
            .ToParameters();

        Assert.Equal(Texts(Checkpoints with { Seed = 1, IgnoreEos = true }), Texts(engine));
    }

    /// <summary>The fields of the hub's sampling as a sampling or the engine's parameters have them.</summary>
    private static IEnumerable<string> Texts(object sampling) =>
        Fields.Select(field => $"{field.Name}: {JsonSerializer.Serialize(sampling.GetType().GetProperty(field.Name)?.GetValue(sampling))}");
}
