namespace Streaming.Bench.Peers.Records;

/// <summary>A line of the samples; properties that its kind does not have are left out.</summary>
internal sealed record Sample
{
    /// <summary>The kind of the line: one of <see cref="Kinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The model's shape or the checkpoint's name.</summary>
    public string? Shape { get; init; }

    /// <summary>The measured backend: <see cref="Measuring.Backend.Name"/>.</summary>
    public string? Backend { get; init; }

    /// <summary>Its setting.</summary>
    public string? Setting { get; init; }

    /// <summary>Threads of its computations.</summary>
    public int? Threads { get; init; }

    /// <summary>Conversations in a step.</summary>
    public int? Conversations { get; init; }

    /// <summary>Tokens of a prompt.</summary>
    public int? Tokens { get; init; }

    /// <summary>The round, from 0.</summary>
    public int? Round { get; init; }

    /// <summary>Bytes that each pass read, or that a step must read.</summary>
    public double? Bytes { get; init; }

    /// <summary>Milliseconds of each step, prompt or pass.</summary>
    public double[]? Ms { get; init; }

    /// <summary>Tokens per second.</summary>
    public double? Rate { get; init; }

    /// <summary>The cosine between the logits of two backends.</summary>
    public double? Cosine { get; init; }

    /// <summary>On the run's own line: where the samples come from.</summary>
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

/// <summary>Where the samples come from.</summary>
/// <param name="Machine">Processor, cores, operating system, runtime.</param>
/// <param name="Date">When it began.</param>
/// <param name="Commit">The commit of the program.</param>
/// <param name="Command">The command that measured them.</param>
/// <param name="Cache">Sinks and window of this engine, as in "4+1020".</param>
/// <param name="Small">Whether it was the small version, whose numbers mean nothing.</param>
internal sealed record RunFacts(string Machine, DateTimeOffset Date, string Commit, string Command, string Cache, bool Small);
