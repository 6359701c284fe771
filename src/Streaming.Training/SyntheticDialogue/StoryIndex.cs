using System.Text.RegularExpressions;
using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>Stories, indexed by subject.</summary>
internal sealed class StoryIndex
{
    private const int MinLength = 200,
        MaxLength = 4000; // characters
    private const int BeginningLength = 140; // a story's subject is named within these first characters

    private static readonly string[] Subjects =
    [
        "dog",
        "cat",
        "bird",
        "bear",
        "rabbit",
        "bunny",
        "princess",
        "prince",
        "king",
        "queen",
        "frog",
        "fish",
        "fox",
        "wolf",
        "lion",
        "mouse",
        "duck",
        "cow",
        "horse",
        "pig",
        "monkey",
        "elephant",
        "dragon",
        "giant",
        "witch",
        "tree",
        "flower",
        "car",
        "truck",
        "train",
        "boat",
        "ball",
        "doll",
        "robot",
        "kite",
        "moon",
        "star",
        "garden",
        "forest",
        "farmer",
        "baker",
        "teacher",
        "boy",
        "girl",
        "mom",
        "grandma",
        "butterfly",
        "bee",
        "squirrel",
        "owl",
        "turtle",
        "puppy",
        "kitten",
        "castle",
        "cake",
        "apple",
        "hat",
        "bike",
        "toy",
        "treasure",
        "sea",
        "beach",
        "park",
        "snow",
        "rain",
        "fairy",
        "merchant",
        "miller",
        "soldier",
        "tailor",
        "shepherd",
        "hare",
        "crow",
        "goose",
        "goat",
        "sheep",
        "lamb",
        "tiger",
        "snake",
        "spider",
        "ant",
        "fisherman",
        "sailor",
        "box",
        "book",
        "shoe",
        "ring",
        "key",
        "door",
        "river",
        "mountain",
        "cloud",
        "rock",
        "pencil",
        "bed",
        "bus",
        "plane",
        "ship",
    ];

    /// <summary>
    /// Nouns that can replace each other in a story. Without replacement there are too few stories about each subject to learn that
    /// the reply is about the requested one.
    /// </summary>
    private static readonly string[][] Kinds =
    [
        [
            "dog",
            "cat",
            "bear",
            "rabbit",
            "bunny",
            "frog",
            "fox",
            "wolf",
            "lion",
            "mouse",
            "duck",
            "cow",
            "horse",
            "pig",
            "monkey",
            "elephant",
            "squirrel",
            "turtle",
            "puppy",
            "kitten",
            "goat",
            "tiger",
            "dragon",
            "bird",
            "owl",
            "penguin",
            "hedgehog",
            "lamb",
            "donkey",
            "hamster",
        ],
        [
            "ball",
            "doll",
            "car",
            "truck",
            "boat",
            "kite",
            "bike",
            "train",
            "robot",
            "hat",
            "drum",
            "teddy bear",
            "balloon",
            "box",
            "book",
            "key",
            "ring",
        ],
    ];

    private readonly string[] _stories;
    private readonly Dictionary<string, string[]> _bySubject;
    private readonly (string Story, string Subject)[][] _byKind;

    /// <param name="texts">Stories and parts of stories; only whole stories are used.</param>
    public StoryIndex(IEnumerable<Prose> texts)
    {
        _stories = [.. texts.Where(t => t.Begins && t.Ends && t.Text.Length is >= MinLength and <= MaxLength).Select(t => t.Text)];
        (string Story, string[] Subjects)[] known = [.. _stories.Select(s => (s, About(s)))];
        _bySubject = known
            .SelectMany(k => k.Subjects.Select(subject => (subject, k.Story)))
            .GroupBy(p => p.subject)
            .ToDictionary(g => g.Key, g => g.Select(p => p.Story).ToArray());
        _byKind =
        [
            .. Kinds.Select(kind => known.SelectMany(k => k.Subjects.Intersect(kind).Select(subject => (k.Story, subject))).ToArray()),
        ];
    }

    /// <summary>Any story.</summary>
    public string Any(SeededRandom random) => random.Of(_stories);

    /// <summary>A subject and a story about it.</summary>
    public (string Subject, string Story) About(SeededRandom random)
    {
        if (random.Chance(0.45))
        {
            string subject = random.Of([.. _bySubject.Keys]);
            return (subject, random.Of(_bySubject[subject]));
        }
        int kind = random.Chance(0.75) ? 0 : 1;
        (string story, string was) = random.Of(_byKind[kind]);
        string now = random.Of(Kinds[kind]);
        return (now, WithSubject(story, was, now));
    }

    private static string[] About(string story)
    {
        string beginning = story[..Math.Min(BeginningLength, story.Length)];
        return [.. Subjects.Where(subject => Mentions(beginning, subject) > 0 && Mentions(story, subject) > 1)];
    }

    private static int Mentions(string text, string noun) => Regex.Count(text, $@"\b{noun}s?\b", RegexOptions.IgnoreCase);

    /// <summary>The story with its subject replaced by another noun.</summary>
    private static string WithSubject(string story, string was, string now) =>
        was == now
            ? story
            : Regex.Replace(
                story,
                $@"\b(an? )?{was}(s?)\b",
                match =>
                {
                    string text = (match.Groups[1].Length > 0 ? English.WithArticle(now) : now) + match.Groups[2].Value;
                    return char.IsUpper(match.Value[0]) ? English.Capital(text) : text;
                },
                RegexOptions.IgnoreCase
            );
}
