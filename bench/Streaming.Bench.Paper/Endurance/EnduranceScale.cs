namespace Streaming.Bench.Paper.Endurance;

/// <summary>Length, model and resolution of a long conversation.</summary>
internal sealed record EnduranceScale
{
    private const string Stories = "../shared/models/stories260K",
        Starter = "models/starter";

    /// <summary>The length of the paper's longest stream.</summary>
    public const int FullTokens = 4_000_000;

    /// <summary>The least number of tokens that <see cref="Of"/> can divide.</summary>
    public const int LeastTokens = 4000;

    /// <summary>As in RESULTS.md, for any length: forty rows; kills early, after a quarter and at the end.</summary>
    public static EnduranceScale Of(int tokens) =>
        new()
        {
            Model = Stories,
            Tokens = tokens,
            Segment = tokens / 40,
            Block = Math.Min(1000, tokens / 400),
            Kills = [tokens / 400, tokens / 4, tokens],
            KillsEach = 3,
            Between = tokens / 2000,
        };

    /// <summary>As a check: some hundreds of tokens, a page of the book in several passes.</summary>
    public static EnduranceScale Small { get; } =
        new()
        {
            Model = Starter,
            Tokens = 2000,
            Segment = 100,
            Block = 10,
            Kills = [100, 2000],
            KillsEach = 1,
            Between = 100,
            Window = 124,
            BookCharacters = 2000,
        };

    /// <summary>The checkpoint's folder, from the repository's root.</summary>
    public required string Model { get; init; }

    /// <summary>Tokens of the conversation.</summary>
    public required int Tokens { get; init; }

    /// <summary>Tokens of a row of the results; a tenth of <see cref="Tokens"/> holds a whole number of them.</summary>
    public required int Segment { get; init; }

    /// <summary>Tokens over which a watcher measures the time per token, since they arrive in groups.</summary>
    public required int Block { get; init; }

    /// <summary>Numbers of tokens after which the host is killed.</summary>
    public required IReadOnlyList<int> Kills { get; init; }

    /// <summary>Kills at each of these places.</summary>
    public required int KillsEach { get; init; }

    /// <summary>Tokens between two kills at one place.</summary>
    public required int Between { get; init; }

    /// <summary>Sinks.</summary>
    public int Sinks { get; init; } = 4;

    /// <summary>Window; with the sinks it fills the context that stories260K was trained on.</summary>
    public int Window { get; init; } = 508;

    /// <summary>Characters of the book that are read in a pass; null for all.</summary>
    public int? BookCharacters { get; init; }

    /// <summary>The rows of a tenth, 0 to 9.</summary>
    public IEnumerable<T> Tenth<T>(IEnumerable<T> rows, Func<T, long> end, int tenth) =>
        rows.Where(row => end(row) > (long)Tokens * tenth / 10 && end(row) <= (long)Tokens * (tenth + 1) / 10);
}
