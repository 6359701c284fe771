using System.Text.RegularExpressions;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>
/// The opening messages that evaluate a model (models/evaluation/openings.txt), and the test that keeps their near-duplicates out of
/// the generated training texts.
/// </summary>
internal sealed partial class OpeningMessages
{
    /// <summary>Two messages of at least this similarity are near-duplicates.</summary>
    public const double NearDuplicate = 0.8;

    private static readonly Lazy<OpeningMessages> Embedded = new(() => new OpeningMessages(Read()));

    private readonly string[][] _words;

    /// <param name="messages">The messages.</param>
    public OpeningMessages(IReadOnlyList<string> messages)
    {
        Messages = messages;
        _words = [.. messages.Select(WordsOf)];
    }

    /// <summary>The messages in models/evaluation/openings.txt.</summary>
    public static OpeningMessages Default => Embedded.Value;

    /// <summary>The messages.</summary>
    public IReadOnlyList<string> Messages { get; }

    /// <summary>Whether a message is a near-duplicate of an opening message.</summary>
    public bool IsNearDuplicate(string message)
    {
        string[] words = WordsOf(message);
        return _words.Any(own => GreatestSimilarity(own, words) >= NearDuplicate && Similarity(own, words) >= NearDuplicate);
    }

    /// <summary>
    /// The similarity of two messages, from 0 to 1: one minus the edit distance in words, divided by the words of the longer message.
    /// Case, punctuation and apostrophes are ignored, and a spelt number equals its digits.
    /// </summary>
    public static double Similarity(string one, string other) => Similarity(WordsOf(one), WordsOf(other));

    /// <summary>An upper bound of the similarity, by the numbers of words alone: the longer message has words to remove.</summary>
    private static double GreatestSimilarity(string[] one, string[] other)
    {
        int longer = Math.Max(one.Length, other.Length);
        return longer == 0 ? 1 : 1 - (double)Math.Abs(one.Length - other.Length) / longer;
    }

    private static double Similarity(string[] one, string[] other)
    {
        int longer = Math.Max(one.Length, other.Length);
        if (longer == 0)
            return 1;
        // Wagner and Fischer, one row at a time.
        int[] row = [.. Enumerable.Range(0, other.Length + 1)];
        for (int i = 1; i <= one.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= other.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (one[i - 1] == other[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return 1 - (double)row[^1] / longer;
    }

    private static string[] WordsOf(string message) =>
        [.. Word().Matches(message.ToLowerInvariant().Replace("'", "", StringComparison.Ordinal)).Select(m => English.Digits(m.Value))];

    private static string[] Read()
    {
        using Stream stream =
            typeof(OpeningMessages).Assembly.GetManifestResourceStream("openings.txt")
            ?? throw new InvalidOperationException("The trainer was built without openings.txt.");
        using var reader = new StreamReader(stream);
        return
        [
            .. reader
                .ReadToEnd()
                .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Where(line => line[0] != '#'),
        ];
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+|[+*/=-]")]
    private static partial Regex Word();
}
