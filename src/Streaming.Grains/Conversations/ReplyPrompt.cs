using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Storage.Log;

namespace Streaming.Grains.Conversations;

/// <summary>
/// What a reply is fed: the waiting messages, rendered by the chat template as one turn and stored as ids before anything is
/// decoded. The rendering is a function of what is in the log, so an interrupted beginning goes on where it was.
/// </summary>
internal sealed class ReplyPrompt(
    string id,
    ConversationState state,
    ConversationModel model,
    ConversationWriter writer,
    IConversationLog log
)
{
    /// <summary>Ids of one append: 512 KiB, well inside a transaction of every store.</summary>
    private const int IdsPerAppend = 128 * 1024;

    /// <summary>Stores the ids of what is waiting and the reply's <c>started</c>; returns the events.</summary>
    public async Task<IReadOnlyList<LogEvent>> BeginAsync(DateTimeOffset now)
    {
        SessionState session = writer.Session;
        PromptState prompt = session.Prompt ?? new PromptState(writer.Head.Position, session.Waiting.Length);
        int[] ids = await RenderAsync(prompt);
        ReadOnlyMemory<int> missing = ids.AsMemory((int)(writer.Head.Position - prompt.Start));
        for (; missing.Length > IdsPerAppend; missing = missing[IdsPerAppend..])
        {
            ReadOnlyMemory<int> part = missing[..IdsPerAppend];
            await writer.AppendAsync((_, s) => new Draft(s with { Prompt = prompt }) { Ids = part });
        }
        return await writer.AppendAsync(
            (head, s) =>
            {
                int turn = head.LastTurn + 1;
                var reply = new ReplyState
                {
                    Turn = turn,
                    Sampling = state.Sampling.Resolve(model.DefaultSampling),
                    PromptStart = prompt.Start,
                    PromptTokens = ids.Length,
                };
                return new Draft(s with { Reply = reply, Waiting = s.Waiting[prompt.Messages..], Prompt = null })
                {
                    Events =
                    [
                        new LogEvent
                        {
                            First = head.LastSeq + 1,
                            Last = head.LastSeq + 1,
                            Kind = EventKind.Started,
                            Turn = turn,
                            At = now,
                        },
                    ],
                    Ids = missing,
                    LastTurn = turn,
                };
            }
        );
    }

    /// <summary>What the worker is asked for, at the beginning of a reply or in its middle.</summary>
    public async Task<DecodeRequest> RequestAsync(ReplyState reply)
    {
        LogHead head = writer.Head;
        UInt128? streamHash = writer.Session.StreamHash;
        // The last token before the prompt was sampled but never fed; of a reply under way the same holds for its own last one.
        long from = reply.Generated > 0 ? head.Position - 1 : Math.Max(0, reply.PromptStart - 1);
        return new DecodeRequest
        {
            ConversationId = id,
            Epoch = head.Epoch,
            Branch = head.Branch,
            Fixed = state.Fixed,
            Window = state.Window,
            From = from,
            Feed = await writer.ReadTailAsync(from),
            Sampling = reply.Sampling,
            AlreadyGenerated = reply.Generated,
            PendingBytes = reply.PendingBytes,
            HeldBack = reply.HeldBack,
            StreamHash = streamHash,
        };
    }

    private async Task<int[]> RenderAsync(PromptState prompt)
    {
        var texts = new List<string>(prompt.Messages);
        foreach (long seq in writer.Session.Waiting.Take(prompt.Messages))
            texts.Add((await log.ReadEventsAsync(id, seq, seq, 1, int.MaxValue))[0].Text);
        if (prompt.Start == 0)
            return await Task.Run(() => model.Chat.Opening(state.SystemPrompt, texts));
        int lastId = (await writer.ReadTailAsync(prompt.Start - 1))[0];
        return await Task.Run(() => model.Chat.Continuation(state.SystemPrompt, texts, lastId));
    }
}
