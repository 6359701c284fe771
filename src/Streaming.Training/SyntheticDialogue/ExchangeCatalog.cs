namespace Streaming.Training.SyntheticDialogue;

/// <summary>Where in a dialogue an exchange belongs.</summary>
internal enum Stage
{
    /// <summary>At its beginning.</summary>
    First,

    /// <summary>Anywhere.</summary>
    Middle,

    /// <summary>At its end.</summary>
    Last,
}

/// <summary>A few turns about one thing: what each may say, the person first.</summary>
/// <param name="Turns">For each turn its possible sentences.</param>
internal sealed record Exchange(IReadOnlyList<IReadOnlyList<Template>> Turns);

/// <summary>Exchanges about one thing.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Stage">Where it belongs.</param>
/// <param name="Weight">How often it comes, in proportion to the others of its stage.</param>
/// <param name="Exchanges">Its exchanges.</param>
internal sealed record Topic(string Name, Stage Stage, double Weight, IReadOnlyList<Exchange> Exchanges);

/// <summary>All exchanges and the lists of words that they use, from a text: see exchanges.txt for its form.</summary>
internal sealed class ExchangeCatalog
{
    private ExchangeCatalog(IReadOnlyList<Topic> topics, IReadOnlyDictionary<string, string[]> lists) => (Topics, Lists) = (topics, lists);

    /// <summary>The topics.</summary>
    public IReadOnlyList<Topic> Topics { get; }

    /// <summary>Lists of words by name.</summary>
    public IReadOnlyDictionary<string, string[]> Lists { get; }

    /// <summary>The book that comes with the trainer.</summary>
    public static ExchangeCatalog Load()
    {
        using Stream stream =
            typeof(ExchangeCatalog).Assembly.GetManifestResourceStream("exchanges.txt")
            ?? throw new InvalidOperationException("The trainer was built without exchanges.txt.");
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd());
    }

    /// <summary>Reads a book.</summary>
    /// <exception cref="FormatException">A line is none of those that the form knows.</exception>
    public static ExchangeCatalog Parse(string text)
    {
        var lists = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var topics = new List<Topic>();
        var exchanges = new List<Exchange>();
        var turns = new List<IReadOnlyList<Template>>();
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries).Append(""))
        {
            switch (line)
            {
                case "":
                    if (turns.Count % 2 != 0)
                        throw new FormatException($"An exchange of '{topics.LastOrDefault()?.Name}' does not end with a reply.");
                    if (turns.Count > 0)
                        exchanges.Add(new Exchange(turns));
                    turns = [];
                    break;
                case ['#', ..]:
                    break;
                case ['@', ..]:
                    lists[line[1..line.IndexOf('=', StringComparison.Ordinal)].Trim()] = line[
                        (line.IndexOf('=', StringComparison.Ordinal) + 1)..
                    ]
                        .Split('|', StringSplitOptions.TrimEntries);
                    break;
                case ['[', .., ']']:
                    string[] head = line[1..^1].Split(' ');
                    exchanges = [];
                    topics.Add(
                        new Topic(
                            head[0],
                            Enum.Parse<Stage>(head[1], ignoreCase: true),
                            double.Parse(head[2], System.Globalization.CultureInfo.InvariantCulture),
                            exchanges
                        )
                    );
                    break;
                case ['>' or '<', ' ', ..]:
                    bool person = line[0] == '>';
                    if (turns.Count % 2 == (person ? 0 : 1))
                        turns.Add(new List<Template>());
                    else if (turns.Count == 0)
                        throw new FormatException($"An exchange begins with a reply: '{line}'.");
                    ((List<Template>)turns[^1]).Add(Template.Parse(line[2..]));
                    break;
                default:
                    throw new FormatException($"'{line}' is no line of a book of exchanges.");
            }
        }
        return new ExchangeCatalog(topics, lists);
    }
}
