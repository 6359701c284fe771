using System.Globalization;
using Streaming.Inference;
using Streaming.Training.Evaluation;

namespace Streaming.ModelCard;

/// <summary>
/// The judgement of the replies, made by hand: a file whose first line names the model, followed by a line for each opening message, with
/// <c>good</c> or what is wrong with the reply.
/// </summary>
internal sealed class Judgement
{
    private const string Good = "good";
    private readonly string[] _verdicts;

    private Judgement(string[] verdicts) => _verdicts = verdicts;

    /// <summary>The judgement of an evaluation's replies; null if there is none for this model.</summary>
    /// <exception cref="InputException">The file does not have one line for each message.</exception>
    public static Judgement? Find(string path, EvaluationReport evaluation)
    {
        if (!File.Exists(path))
            return null;
        string[] lines = [.. File.ReadLines(path).Where(line => line.Length > 0)];
        if (lines[0] != evaluation.Model)
            return null;
        return lines.Length == evaluation.Openings.Count + 1
            ? new Judgement(lines[1..])
            : throw new InputException(
                $"'{path}' judges {lines.Length - 1} of {evaluation.Openings.Count} replies: give each a line, in their order."
            );
    }

    /// <summary>The number of good replies, such as "40 of 50".</summary>
    public string Count => string.Create(CultureInfo.InvariantCulture, $"{_verdicts.Count(v => v == Good)} of {_verdicts.Length}");

    /// <summary>The judgement of one reply.</summary>
    public string Of(int message) => _verdicts[message] == Good ? "fluent and fitting" : $"**not:** {_verdicts[message]}";
}
