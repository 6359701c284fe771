using System.Globalization;
using Streaming.Inference;

namespace Streaming.Training;

/// <summary>Refuses what cannot be trained.</summary>
internal static class TrainingOptionsValidator
{
    /// <exception cref="InputException">An option is wrong; the sentence says which and what to do.</exception>
    public static void Check(TrainingOptions options)
    {
        Require(
            options.Lengths.Count > 0 && options.Lengths[0].From == 0,
            "The sequence lengths begin later than the training: let the first begin at 0."
        );
        for (int i = 0; i < options.Lengths.Count; i++)
        {
            SequenceLength length = options.Lengths[i];
            Require(
                length.Tokens >= 8 && options.Batch % length.Tokens == 0,
                $"Sequences of {length.Tokens} tokens do not fill a step of {options.Batch}: take lengths of 8 or more that divide it."
            );
            Require(
                i == 0 || (length.From > options.Lengths[i - 1].From && length.From < 1),
                $"Sequences of {length.Tokens} tokens begin at {Shown(length.From)}: let each length begin after the one before it and before 1."
            );
            Require(
                i == 0 || length.Tokens > options.Lengths[i - 1].Tokens,
                "Sequences get shorter: let each length be greater than the one before it."
            );
        }
        Require(
            options.Heads % options.KeyValueHeads == 0,
            $"{options.Heads} query heads cannot share {options.KeyValueHeads} key-value heads: take a divisor."
        );
        Require(options.HeadDim % 2 == 0, $"A head {options.HeadDim} wide cannot be rotated: take an even number.");
        Require(
            options.SinkShare is null or (> 0 and < 1),
            $"The share of attention on the start token is {Shown(options.SinkShare ?? 0)}: take a number above 0 and below 1."
        );
        Require(
            options.Dropout is >= 0 and < 1,
            $"The share that is dropped is {Shown(options.Dropout)}: take a number from 0 to below 1."
        );
        Require(options.Rate > 0, $"The learning rate is {Shown(options.Rate)}: take a number above 0.");
    }

    private static string Shown(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Require(bool holds, string sentence)
    {
        if (!holds)
            throw new InputException(sentence);
    }
}
