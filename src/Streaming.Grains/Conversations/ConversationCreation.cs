using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Inference;

namespace Streaming.Grains.Conversations;

/// <summary>Plans a new conversation, or refuses it.</summary>
internal static class ConversationCreation
{
    /// <summary>Checks a request against the checkpoint and its devices, and fixes sizes and pinning for good.</summary>
    /// <exception cref="RequestRefusedException">The request is wrong.</exception>
    public static ConversationState Plan(string caller, NewConversation request, ConversationModel model, DateTimeOffset now)
    {
        string? title = RequestRules.Title(request.Title);
        Sampling sampling = (request.Sampling ?? new()).Checked(model);
        int sinks = request.Sinks ?? model.DefaultLayout.Fixed;
        int window = request.Window ?? model.DefaultLayout.Window;
        if (sinks < 0 || window < 1 || (long)sinks + window > model.Capacity)
            throw RequestRefusedException.Invalid(
                $"sinks ({sinks}) and window ({window}) must be at least 0 and 1 and together at most {model.Capacity}, "
                    + "the places of a slot here."
            );
        string? systemPrompt = RequestRules.SystemPrompt(request.SystemPrompt);
        int fixedPart = sinks;
        if (systemPrompt is not null && (request.PinSystemPrompt ?? true))
            fixedPart = Math.Max(sinks, PinnedLength(systemPrompt, sinks + window, model));
        return new ConversationState
        {
            Owner = caller,
            Title = title,
            SystemPrompt = systemPrompt,
            Sampling = sampling,
            Sinks = sinks,
            Fixed = fixedPart,
            Window = sinks + window - fixedPart,
            Model = model.Name,
            Fingerprint = model.Fingerprint,
            CreatedAt = now,
        };
    }

    /// <summary>Places that the pinned prompt takes; at least half of all places must be left to the window.</summary>
    private static int PinnedLength(string systemPrompt, int places, ConversationModel model)
    {
        int length;
        try
        {
            length = model.Chat.PinnedLength(systemPrompt);
        }
        catch (InputException e)
        {
            throw RequestRefusedException.Invalid(e.Message);
        }
        int limit = places - (places + 1) / 2;
        return length <= limit
            ? length
            : throw RequestRefusedException.Invalid(
                $"The system prompt takes {length} tokens, pinned it may take {limit} here (half of sinks and window): "
                    + "shorten it, or set pinSystemPrompt to false."
            );
    }
}
