using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;

namespace Streaming.Inference.Batching;

/// <summary>Refuses jobs that are impossible for any content of the slot.</summary>
internal static class DecodeJobCheck
{
    private const long LastPosition = long.MaxValue / 2;

    /// <exception cref="InputException">The job contradicts itself, the device or the checkpoint.</exception>
    public static void Check(DecodeJob job, Decoder decoder)
    {
        if (job.Slot < 0 || job.Slot >= decoder.Slots)
            throw new InputException($"There is no slot {job.Slot}: the device has {decoder.Slots}, counted from 0.");
        CheckLayout(job.Layout, decoder.Capacity);
        job.Sampling.Validate(decoder.Config.VocabularySize);
        if (job.AlreadyGenerated < 0)
            throw new InputException($"A reply cannot have {job.AlreadyGenerated} tokens already.");

        long fed = 0,
            next = -1;
        foreach (TokenRun run in job.Input)
        {
            if (run.Ids.IsEmpty)
                continue;
            CheckPosition(job, run.Position, fed, next);
            foreach (int id in run.Ids.Span)
            {
                if (id < 0 || id >= decoder.Config.VocabularySize)
                    throw new InputException(
                        $"Token {id} is not in the checkpoint's vocabulary of {decoder.Config.VocabularySize}: "
                            + "encode the text with its own tokenizer."
                    );
            }
            fed += run.Ids.Length;
            next = run.Position + run.Ids.Length;
        }
        if (fed == 0)
            throw new InputException("The input is empty: feed at least one token before sampling.");
    }

    private static void CheckLayout(CacheLayout layout, int capacity)
    {
        if (layout.Fixed < 0 || layout.Window < 1)
            throw new InputException(
                $"A cache of {layout.Fixed}+{layout.Window} is impossible: use 0 or more fixed places and a window of at least 1."
            );
        if ((long)layout.Fixed + layout.Window > capacity)
            throw new InputException(
                $"A cache of {layout.Fixed}+{layout.Window} does not fit the slot's {capacity} places: "
                    + "use fewer sinks, a shorter pinned prompt or a smaller window."
            );
    }

    /// <summary>Positions must ascend without a gap, except after the fixed part of a slot that is rebuilt.</summary>
    private static void CheckPosition(DecodeJob job, long position, long fed, long next)
    {
        if (position < 0 || position > LastPosition)
            throw new InputException($"{position} is no position in a stream: use 0 or more.");
        if (fed == 0 && job.Reset && job.Layout.Fixed > 0 && position != 0)
            throw new InputException(
                $"An empty slot begins with its fixed part, but the input begins at position {position}: feed it from position 0."
            );
        bool afterFixedPart = (job.Reset || job.Earlier.Rebuilds) && next == job.Layout.Fixed && position > next;
        if (fed > 0 && position != next && !afterFixedPart)
            throw new InputException(
                $"The input's positions jump from {next} to {position}: leave out tokens only after the fixed part of a slot that is reset."
            );
    }
}
