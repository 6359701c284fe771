using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Persistence;
using Streaming.Storage.Log;

namespace Streaming.Grains.Conversations;

/// <summary>
/// The prompt of a reply: the chat template renders the waiting messages as one turn, and their ids are stored before anything is
/// decoded. The rendering is a function of the log, so that an interrupted prompt is completed where it stopped.
/// </summary>
internal sealed class ReplyPrompt(ActiveConversation conversation, ConversationServices services)
{
    /// <summary>Ids of one append: 512 KiB, well inside a transaction of every store.</summary>
    private const int IdsPerAppend = 128 * 1024;

    private readonly ConversationWriter _writer = conversation.Writer;
    private readonly ConversationState _state = conversation.State;

    /// <summary>Stores the ids of the waiting messages and the reply's <c>started</c>; returns the events.</summary>
    public async Task<IReadOnlyList<LogEvent>> BeginAsync(CancellationToken cancellation)
    {
        DateTimeOffset now = services.Time.GetUtcNow();
        SessionState session = _writer.Session;
        PromptState prompt = session.Prompt ?? new PromptState(_writer.Head.Position, session.Waiting.Length);
        int[] ids = await RenderAsync(prompt, cancellation);
        ReadOnlyMemory<int> missing = ids.AsMemory((int)(_writer.Head.Position - prompt.Start));
        for (; missing.Length > IdsPerAppend; missing = missing[IdsPerAppend..])
        {
            ReadOnlyMemory<int> part = missing[..IdsPerAppend];
            await _writer.AppendAsync((_, s) => new Draft(s with { Prompt = prompt }) { Ids = part });
        }
        return await _writer.AppendAsync(
            (head, s) =>
            {
                int turn = head.LastTurn + 1;
                var reply = new ReplyState
                {
                    Turn = turn,
                    Sampling = _state.Sampling.Resolve(services.Model.DefaultSampling),
                    PromptStart = prompt.Start,
                    PromptTokens = ids.Length,
                };
                // The rendering is over, so its resumptions say nothing about what follows.
                return new Draft(s with { Reply = reply, Waiting = s.Waiting[prompt.Messages..], Prompt = null, Resumptions = 0 })
                {
                    Events = [LogEvents.At(head.LastSeq + 1, EventKind.Started, turn, now)],
                    Ids = missing,
                    LastTurn = turn,
                };
            }
        );
    }

    /// <summary>The request to the worker, at the beginning of a reply or in its middle.</summary>
    /// <param name="reply">The reply.</param>
    /// <param name="waitsForBegin">Whether the worker tells when the reply has a slot, and waits.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public async Task<DecodeRequest> RequestAsync(ReplyState reply, bool waitsForBegin, CancellationToken cancellation)
    {
        LogHead head = _writer.Head;
        UInt128? streamHash = _writer.Session.StreamHash;
        // The last token before the prompt was sampled but not fed; so was the last token of a reply that is resumed.
        long from = reply.Generated > 0 ? head.Position - 1 : Math.Max(0, reply.PromptStart - 1);
        return new DecodeRequest
        {
            ConversationId = conversation.Id,
            Epoch = head.Epoch,
            Branch = head.Branch,
            Fixed = _state.Fixed,
            Window = _state.Window,
            From = from,
            Feed = await services.Time.UntilReadAsync(() => _writer.ReadTailAsync(from), cancellation),
            Sampling = reply.Sampling,
            AlreadyGenerated = reply.Generated,
            PendingBytes = reply.PendingBytes,
            HeldBack = reply.HeldBack,
            StreamHash = streamHash,
            Owner = _state.Owner,
            WaitsForBegin = waitsForBegin,
        };
    }

    private async Task<int[]> RenderAsync(PromptState prompt, CancellationToken cancellation)
    {
        var texts = new List<string>(prompt.Messages);
        foreach (long seq in _writer.Session.Waiting.Take(prompt.Messages))
            texts.Add(await services.Time.UntilReadAsync(() => MessageAsync(seq), cancellation));
        if (prompt.Start == 0)
            return await Task.Run(() => services.Model.Chat.Opening(_state.SystemPrompt, texts));
        int lastId = (await services.Time.UntilReadAsync(() => _writer.ReadTailAsync(prompt.Start - 1), cancellation))[0];
        return await Task.Run(() => services.Model.Chat.Continuation(_state.SystemPrompt, texts, lastId));
    }

    private async Task<string> MessageAsync(long seq) =>
        (await services.Log.ReadEventsAsync(conversation.Id, seq, seq, 1, int.MaxValue))[0].Text;
}
