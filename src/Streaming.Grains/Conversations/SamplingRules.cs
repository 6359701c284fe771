using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Inference;
using Streaming.Inference.Tokenizing;

namespace Streaming.Grains.Conversations;

/// <summary>The rules for a conversation's sampling, with what only a silo knows: the checkpoint's tokens.</summary>
internal static class SamplingRules
{
    /// <summary>Sampling that gives replies with this checkpoint.</summary>
    /// <exception cref="RequestRefusedException">A value is out of range, an id has no token, or a stop string cannot match.</exception>
    public static Sampling Checked(this Sampling sampling, ConversationModel model)
    {
        RequestRules.SamplingInRange(sampling, model.VocabularySize);
        StopStrings stop;
        try
        {
            stop = StopStrings.Parse(sampling.Stop ?? [], model.Vocabulary);
        }
        catch (InputException e)
        {
            throw RequestRefusedException.Invalid($"sampling.stop: {e.Message}");
        }
        return sampling.IgnoreEos is true && stop.ControlIds.Count > 0
            ? throw RequestRefusedException.Invalid(
                "sampling.stop names a control token, which ignoreEos never samples: leave out one of the two."
            )
            : sampling;
    }
}
