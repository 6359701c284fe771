namespace Streaming.Bench.Paper;

/// <summary>How much of each result is measured.</summary>
internal sealed record Scale
{
    /// <summary>The text's path, like all paths from the repository's root.</summary>
    public const string Book = "tests/fixtures/books/Great-Expectations_1400.txt";

    /// <summary>As in RESULTS.md.</summary>
    public static Scale Full { get; } =
        new()
        {
            Models = [new("the embedded model", "models/starter"), new("stories260K", "../shared/models/stories260K")],
            PolicyTokens = 20_000,
            PolicyEvery = 20,
            PolicySegment = 1000,
            TableTokens = 65_536,
            Cache = 256,
            Sinks = [0, 1, 2, 4, 8],
            Caches = [32, 64, 128, 256, 512],
            AlongTokens = null,
            AlongEvery = 300,
            AlongSegment = 10_000,
            BenchModel = new("smol135m with random weights", "smol135m", IsShape: true),
            BenchCaches = [256, 512, 1024, 2048, 4096],
            StreamingSteps = 100,
            RecomputeSteps = 5,
        };

    /// <summary>As a check that it works.</summary>
    public static Scale Small { get; } =
        new()
        {
            Models = [new("the embedded model", "models/starter")],
            PolicyTokens = 400,
            PolicyEvery = 20,
            PolicySegment = 100,
            TableTokens = 400,
            Cache = 64,
            Sinks = [0, 4],
            Caches = [32, 64],
            AlongTokens = 800,
            AlongEvery = 40,
            AlongSegment = 200,
            BenchModel = new("the embedded model", "models/starter"),
            BenchCaches = [64, 256],
            StreamingSteps = 20,
            RecomputeSteps = 3,
        };

    /// <summary>Models that score the text.</summary>
    public required IReadOnlyList<Model> Models { get; init; }

    /// <summary>Tokens of table 1, by every policy.</summary>
    public required int PolicyTokens { get; init; }

    /// <summary>In table 1, recompute scores one of this many tokens.</summary>
    public required int PolicyEvery { get; init; }

    /// <summary>Tokens of a segment in table 1's runs.</summary>
    public required int PolicySegment { get; init; }

    /// <summary>Tokens of tables 2 and 6; the paper's first book has 65 thousand.</summary>
    public required int TableTokens { get; init; }

    /// <summary>Sinks plus window of tables 1 and 2 and figure 5.</summary>
    public required int Cache { get; init; }

    /// <summary>Numbers of sinks in table 2.</summary>
    public required IReadOnlyList<int> Sinks { get; init; }

    /// <summary>Sinks plus window in table 6.</summary>
    public required IReadOnlyList<int> Caches { get; init; }

    /// <summary>Tokens of figure 5; null for the whole book.</summary>
    public required int? AlongTokens { get; init; }

    /// <summary>In figure 5, recompute scores one of this many tokens.</summary>
    public required int AlongEvery { get; init; }

    /// <summary>Tokens of a point of figure 5.</summary>
    public required int AlongSegment { get; init; }

    /// <summary>The model of figure 10.</summary>
    public required Model BenchModel { get; init; }

    /// <summary>Sinks plus window in figure 10.</summary>
    public required IReadOnlyList<int> BenchCaches { get; init; }

    /// <summary>Measured steps of streaming in figure 10.</summary>
    public required int StreamingSteps { get; init; }

    /// <summary>Measured steps of recompute in figure 10.</summary>
    public required int RecomputeSteps { get; init; }
}

/// <summary>A checkpoint or a shape.</summary>
/// <param name="Title">Its name in texts.</param>
/// <param name="Name">A folder from the repository's root, or a shape's name.</param>
/// <param name="IsShape">Whether it is a shape.</param>
internal sealed record Model(string Title, string Name, bool IsShape = false)
{
    /// <summary>For the beginning of a sentence.</summary>
    public string Heading => char.ToUpperInvariant(Title[0]) + Title[1..];

    /// <summary>For the names of files.</summary>
    public string Slug => Path.GetFileName(Name);

    /// <summary>Its option on the command line.</summary>
    public string Option => IsShape ? $"--shape {Name}" : $"--model {Name}";
}
