namespace Streaming.Inference.Batching;

/// <summary>How a device is shared among its conversations.</summary>
public sealed record BatcherOptions
{
    /// <summary>Input tokens that a step prefills at most, besides one token of each running reply.</summary>
    public int PrefillTokens { get; init; } = 128;

    /// <summary>Unread outputs at which a job pauses.</summary>
    public int OutputsAhead { get; init; } = 256;

    /// <summary>Threads of one libtorch operation; 0 is libtorch's default.</summary>
    public int Threads { get; init; }

    /// <summary>How long cancelling or disposing waits for the current step.</summary>
    public TimeSpan StepTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Duration of a step after which the device counts as hung; far above a step of the largest model.</summary>
    public TimeSpan HungAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The checkpoint's fingerprint; snapshots are restored only for the same one.</summary>
    public string Checkpoint { get; init; } = "";

    internal void Check()
    {
        if (PrefillTokens < 1)
            throw new InputException($"A step must prefill at least one input token, not {PrefillTokens}: raise PrefillTokens.");
        if (OutputsAhead < 1)
            throw new InputException($"A job must be allowed at least one unread output, not {OutputsAhead}: raise OutputsAhead.");
        if (Threads < 0)
            throw new InputException($"{Threads} is no number of threads: use 0 for libtorch's default, or more.");
        if (StepTimeout <= TimeSpan.Zero)
            throw new InputException($"A timeout of {StepTimeout} for a step is impossible: use a positive StepTimeout.");
        if (HungAfter <= TimeSpan.Zero)
            throw new InputException($"A device cannot count as hung after {HungAfter}: use a positive HungAfter.");
    }
}
