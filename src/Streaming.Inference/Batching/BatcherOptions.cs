namespace Streaming.Inference.Batching;

/// <summary>How a device shares itself among its conversations.</summary>
public sealed record BatcherOptions
{
    /// <summary>Input tokens that a step reads at most, beside one token of each running reply: how much a pasted book may slow the others.</summary>
    public int PrefillTokens { get; init; } = 128;

    /// <summary>Outputs that a job may be ahead of its reader; then it pauses.</summary>
    public int OutputsAhead { get; init; } = 256;

    /// <summary>Threads that libtorch may use for one operation; 0 leaves its own choice.</summary>
    public int Threads { get; init; }

    /// <summary>How long cancelling or disposing waits for the step under way.</summary>
    public TimeSpan StepTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After how long a step the device is taken for hung: far above what a step of the largest model takes.</summary>
    public TimeSpan StuckAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The checkpoint's fingerprint, which says where snapshots go on.</summary>
    public string Checkpoint { get; init; } = "";

    internal void Check()
    {
        if (PrefillTokens < 1)
            throw new InputException($"A step must read at least one input token, not {PrefillTokens}: raise PrefillTokens.");
        if (OutputsAhead < 1)
            throw new InputException(
                $"A job must be allowed at least one output ahead of its reader, not {OutputsAhead}: raise OutputsAhead."
            );
        if (Threads < 0)
            throw new InputException($"{Threads} is no number of threads: use 0 for libtorch's own choice, or more.");
        if (StepTimeout <= TimeSpan.Zero)
            throw new InputException($"A step cannot be waited for {StepTimeout}: use a positive StepTimeout.");
        if (StuckAfter <= TimeSpan.Zero)
            throw new InputException($"A device cannot be taken for hung after {StuckAfter}: use a positive StuckAfter.");
    }
}
