namespace Streaming.Training.SyntheticDialogue;

/// <summary>The part of a dialogue to which a topic belongs.</summary>
internal enum Stage
{
    /// <summary>The beginning.</summary>
    First,

    /// <summary>Anywhere.</summary>
    Middle,

    /// <summary>The end.</summary>
    Last,
}

/// <summary>A few alternating turns about one thing, beginning with the user.</summary>
/// <param name="Turns">The alternative sentences of each turn.</param>
internal sealed record Exchange(IReadOnlyList<IReadOnlyList<Template>> Turns);

/// <summary>A topic of small talk.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Stage">The part of a dialogue to which it belongs.</param>
/// <param name="Weight">How often it is chosen, relative to the other topics of its stage.</param>
/// <param name="Exchanges">The exchanges about it.</param>
internal sealed record Topic(string Name, Stage Stage, double Weight, IReadOnlyList<Exchange> Exchanges);

/// <summary>The exchanges of small talk and their word lists, parsed from a text; exchanges.txt describes the format.</summary>
internal sealed class ExchangeCatalog
{
    private ExchangeCatalog(IReadOnlyList<Topic> topics, IReadOnlyDictionary<string, string[]> lists) => (Topics, Lists) = (topics, lists);

    /// <summary>The topics.</summary>
    public IReadOnlyList<Topic> Topics { get; }

    /// <summary>The word lists by name.</summary>
    public IReadOnlyDictionary<string, string[]> Lists { get; }

    /// <summary>Loads the embedded catalog.</summary>
    public static ExchangeCatalog Load()
    {
        using Stream stream =
            typeof(ExchangeCatalog).Assembly.GetManifestResourceStream("exchanges.txt")
            ?? throw new InvalidOperationException("The trainer was built without exchanges.txt.");
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd());
    }

    /// <summary>Parses a catalog.</summary>
    /// <exception cref="FormatException">A line does not follow the format.</exception>
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
                    bool isUser = line[0] == '>';
                    if (turns.Count % 2 == (isUser ? 0 : 1))
                        turns.Add(new List<Template>());
                    else if (turns.Count == 0)
                        throw new FormatException($"An exchange begins with a reply: '{line}'.");
                    ((List<Template>)turns[^1]).Add(Template.Parse(line[2..]));
                    break;
                default:
                    throw new FormatException($"'{line}' is not a line of a catalog of exchanges.");
            }
        }
        return new ExchangeCatalog(topics, lists);
    }
}
