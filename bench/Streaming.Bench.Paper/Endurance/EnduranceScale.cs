namespace Streaming.Bench.Paper.Endurance;

/// <summary>How long one conversation is made, with what, and how closely it is looked at.</summary>
internal sealed record EnduranceScale
{
    private const string Stories = "tests/fixtures/stories260K",
        Starter = "models/starter";

    /// <summary>The paper's longest.</summary>
    public const int FullTokens = 4_000_000;

    /// <summary>The least that <see cref="Of"/> can divide.</summary>
    public const int LeastTokens = 4000;

    /// <summary>As in RESULTS.md, at any length: forty rows, killed early, after a quarter and at the end.</summary>
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

    /// <summary>To see that it works: some hundreds of tokens, a page of the book in several passes.</summary>
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

    /// <summary>A folder seen from the repository's root.</summary>
    public required string Model { get; init; }

    /// <summary>Tokens of the conversation.</summary>
    public required int Tokens { get; init; }

    /// <summary>Tokens of a row of the results; a tenth of <see cref="Tokens"/> holds a whole number of them.</summary>
    public required int Segment { get; init; }

    /// <summary>Tokens that a watcher's time per token is taken over: they arrive in groups.</summary>
    public required int Block { get; init; }

    /// <summary>After how many tokens the host is killed.</summary>
    public required IReadOnlyList<int> Kills { get; init; }

    /// <summary>Kills at each of these places.</summary>
    public required int KillsEach { get; init; }

    /// <summary>Tokens between two kills at one place.</summary>
    public required int Between { get; init; }

    /// <summary>S.</summary>
    public int Sinks { get; init; } = 4;

    /// <summary>W; with the sinks, the context that both models were trained on.</summary>
    public int Window { get; init; } = 508;

    /// <summary>How much of the book is repeated; null for all.</summary>
    public int? BookCharacters { get; init; }

    /// <summary>Rows of the tenth that counts from 0.</summary>
    public IEnumerable<T> Tenth<T>(IEnumerable<T> rows, Func<T, long> end, int tenth) =>
        rows.Where(row => end(row) > (long)Tokens * tenth / 10 && end(row) <= (long)Tokens * (tenth + 1) / 10);
}
