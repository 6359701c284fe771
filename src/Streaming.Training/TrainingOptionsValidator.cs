using System.Globalization;
using Streaming.Inference;

namespace Streaming.Training;

/// <summary>Validates training options.</summary>
internal static class TrainingOptionsValidator
{
    /// <summary>Checks options that depend on each other.</summary>
    /// <exception cref="InputException">An option is invalid; the sentence says which one and what to do.</exception>
    public static void Validate(TrainingOptions options)
    {
        Require(
            options.Lengths.Count > 0 && options.Lengths[0].From == 0,
            "The first sequence length starts after the training does: let it start at 0."
        );
        for (int i = 0; i < options.Lengths.Count; i++)
        {
            SequenceLength length = options.Lengths[i];
            Require(
                length.Tokens >= 8 && options.Batch % length.Tokens == 0,
                $"Sequences of {length.Tokens} tokens do not fill a step of {options.Batch}: use lengths of at least 8 that divide it."
            );
            Require(
                i == 0 || (length.From > options.Lengths[i - 1].From && length.From < 1),
                $"Sequences of {length.Tokens} tokens start at {Shown(length.From)}: "
                    + "let each length start after the previous one and before 1."
            );
            Require(
                i == 0 || length.Tokens > options.Lengths[i - 1].Tokens,
                "Sequences get shorter: let each length be greater than the previous one."
            );
        }
        Require(
            options.Heads % options.KeyValueHeads == 0,
            $"{options.Heads} query heads cannot share {options.KeyValueHeads} key-value heads: use a divisor."
        );
        Require(options.HeadDim % 2 == 0, $"A head of {options.HeadDim} dimensions cannot be rotated: use an even number.");
        Require(
            options.SinkShare is null or (> 0 and < 1),
            $"The share of attention on the start token is {Shown(options.SinkShare ?? 0)}: use a number above 0 and below 1."
        );
        Require(options.Dropout is >= 0 and < 1, $"The dropout is {Shown(options.Dropout)}: use a number of at least 0 and below 1.");
        Require(options.Rate > 0, $"The learning rate is {Shown(options.Rate)}: use a number above 0.");
    }

    private static string Shown(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Require(bool holds, string sentence)
    {
        if (!holds)
            throw new InputException(sentence);
    }
}
