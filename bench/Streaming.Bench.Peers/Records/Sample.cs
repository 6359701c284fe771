namespace Streaming.Bench.Peers.Records;

/// <summary>One line of the raw record; what a kind of line does not have is left out.</summary>
internal sealed record Sample
{
    /// <summary>What the line is about: one of <see cref="Kinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The model's shape, or the checkpoint's name.</summary>
    public string? Shape { get; init; }

    /// <summary>Who was measured: <see cref="Measuring.Contestant.Name"/>.</summary>
    public string? Contestant { get; init; }

    /// <summary>With which settings.</summary>
    public string? Setting { get; init; }

    /// <summary>Threads of its computations.</summary>
    public int? Threads { get; init; }

    /// <summary>Conversations in a step.</summary>
    public int? Conversations { get; init; }

    /// <summary>Tokens of a prompt.</summary>
    public int? Tokens { get; init; }

    /// <summary>Which round, from 0.</summary>
    public int? Round { get; init; }

    /// <summary>Bytes that were read in each pass, or that a step must read.</summary>
    public double? Bytes { get; init; }

    /// <summary>Milliseconds of each step, prompt or pass.</summary>
    public double[]? Ms { get; init; }

    /// <summary>Tokens per second.</summary>
    public double? Rate { get; init; }

    /// <summary>How alike two sides' logits are: the cosine between them.</summary>
    public double? Cosine { get; init; }

    /// <summary>The run's own line: what it ran on, when, of which commit, by which command.</summary>
    public RunFacts? Run { get; init; }
}

/// <summary>Kinds of lines.</summary>
internal static class Kinds
{
    public const string Run = "run",
        Read = "read",
        StepBytes = "step-bytes",
        Agreement = "agreement",
        Decode = "decode",
        Prompt = "prompt";
    public const string Alone = "alone",
        Served = "served",
        Busy = "busy";
}

/// <summary>What a run was.</summary>
/// <param name="Machine">Processor, cores, operating system, runtime.</param>
/// <param name="Date">When it began.</param>
/// <param name="Commit">Of the repository.</param>
/// <param name="Command">As typed.</param>
/// <param name="Cache">Sinks and window of the engine's side, "4+1020".</param>
/// <param name="Small">Whether it was the small version, whose numbers say nothing.</param>
internal sealed record RunFacts(string Machine, DateTimeOffset Date, string Commit, string Command, string Cache, bool Small);
