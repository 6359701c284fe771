namespace Streaming.Bench.Paper.Runs;

/// <summary>One measurement: a <c>streaming</c> command that prints one JSON object.</summary>
/// <param name="Arguments">What follows <c>streaming</c>; paths are from the repository's root and have no spaces.</param>
internal sealed record Run(string Arguments)
{
    private const int DefaultSinks = 4;
    private const string LineBreak = " \\\n    ";

    /// <summary>Measures the perplexity of the book.</summary>
    public static Run Perplexity(
        Model model,
        string policy,
        int cache,
        int threads,
        int? tokens,
        int segment,
        int every = 1,
        int sinks = DefaultSinks
    ) =>
        new(
            $"perplexity {model.Option} --text {Scale.Book} --policy {policy} --sinks {sinks} --window {cache - sinks}"
                + (tokens is int most ? $" --tokens {most}" : "")
                + $" --segment {segment}"
                + (every == 1 ? "" : $" --every {every}")
                + $" --dtype float32 --threads {threads} --json"
        );

    /// <summary>Measures the cost of a token.</summary>
    public static Run Bench(Model model, string policy, int cache, int threads, int tokens) =>
        new(
            $"bench {model.Option} --policy {policy} --sinks {DefaultSinks} --window {cache - DefaultSinks} "
                + $"--batch 1 --tokens {tokens} --threads {threads} --json"
        );

    /// <summary>The command for a shell at the repository's root, in several lines.</summary>
    public string Command =>
        "dotnet run -c Release --project src/Streaming.Cli -- "
        + Arguments
            .Replace(" --text ", LineBreak + "--text ", StringComparison.Ordinal)
            .Replace(" --policy ", LineBreak + "--policy ", StringComparison.Ordinal);
}

/// <summary>What <c>streaming perplexity --json</c> prints.</summary>
internal sealed record PerplexityOutput(
    string Policy,
    int Sinks,
    int Window,
    long Tokens,
    double Nll,
    double Perplexity,
    double MsPerToken,
    IReadOnlyList<SegmentOutput> Segments
);

/// <summary>A part of it.</summary>
internal sealed record SegmentOutput(long Tokens, double Perplexity);

/// <summary>What <c>streaming bench --json</c> prints.</summary>
internal sealed record BenchOutput(
    string Model,
    string Policy,
    int Sinks,
    int Window,
    int Batch,
    int Tokens,
    string Dtype,
    int Threads,
    double MsPerToken,
    double P99Ms,
    double TokensPerSecond,
    double CacheMiB,
    double PeakMiB
);
