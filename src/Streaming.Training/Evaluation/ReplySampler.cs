using System.Text;
using Streaming.Inference.Batching;
using Streaming.Inference.Chat;
using Streaming.Inference.Sampling;
using Streaming.Inference.Serving;

namespace Streaming.Training.Evaluation;

/// <summary>A reply that the engine gave.</summary>
/// <param name="Text">What it says.</param>
/// <param name="Ids">Its tokens.</param>
/// <param name="End">Why it ended.</param>
internal sealed record Reply(string Text, IReadOnlyList<int> Ids, EndReason End);

/// <summary>Lets the engine answer with a checkpoint, as it would answer people: with the sampling that the checkpoint ships.</summary>
internal static class ReplySampler
{
    /// <summary>Answers messages, each in a conversation of its own.</summary>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <param name="messages">The messages.</param>
    /// <param name="adjust">Changes the checkpoint's sampling.</param>
    /// <param name="systemPrompt">A system prompt, or null.</param>
    /// <param name="threads">Threads, or null for the engine's choice.</param>
    /// <param name="cancel">Ends it early.</param>
    /// <returns>The replies, in the order of the messages.</returns>
    public static async Task<IReadOnlyList<Reply>> SampleAsync(
        string checkpoint,
        IReadOnlyList<string> messages,
        Func<SamplingParameters, SamplingParameters> adjust,
        string? systemPrompt,
        int? threads,
        CancellationToken cancel
    )
    {
        await using Engine engine = Engine.Load(new EngineOptions { Model = checkpoint, Threads = threads });
        ChatFormat format = ChatFormat.Load(checkpoint, engine.Tokenizer);
        IDecodeDevice device = engine.Devices.Values.Single();
        var replies = new List<Reply>();
        foreach (string message in messages)
        {
            var (text, ids) = (new StringBuilder(), new List<int>());
            EndReason? end = null;
            var work = new DecodeJob
            {
                Slot = 0,
                Layout = engine.DefaultLayout,
                Reset = true,
                Input = [new TokenRun(0, format.Opening(systemPrompt, [message]))],
                Sampling = adjust(engine.DefaultSampling),
            };
            await foreach (DecodeOutput part in device.DecodeAsync(work, cancel).ConfigureAwait(false))
            {
                if (part is TokenSampled token)
                {
                    ids.Add(token.Id);
                    text.Append(token.Text);
                }
                else if (part is DecodeEnded ended)
                {
                    text.Append(ended.Text);
                    end = ended.Reason;
                }
            }
            replies.Add(
                new Reply(text.ToString(), ids, end ?? throw new InvalidOperationException("The device ended a reply without saying why."))
            );
        }
        return replies;
    }
}
