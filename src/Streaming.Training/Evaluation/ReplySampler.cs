using System.Text;
using Streaming.Inference.Batching;
using Streaming.Inference.Sampling;
using Streaming.Inference.Serving;

namespace Streaming.Training.Evaluation;

/// <summary>A reply that the engine sampled.</summary>
/// <param name="Text">The text.</param>
/// <param name="Ids">The token ids.</param>
/// <param name="End">Why the reply ended.</param>
internal sealed record Reply(string Text, IReadOnlyList<int> Ids, EndReason End);

/// <summary>Samples replies of a checkpoint with the engine, by default with the checkpoint's own sampling parameters.</summary>
internal static class ReplySampler
{
    /// <summary>Answers messages without a system prompt, each in its own conversation.</summary>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <param name="messages">The messages.</param>
    /// <param name="adjust">Changes the checkpoint's sampling parameters.</param>
    /// <param name="threads">The number of threads; null for the engine's default.</param>
    /// <param name="cancel">Cancels the sampling.</param>
    /// <returns>The replies, in the order of the messages.</returns>
    public static async Task<IReadOnlyList<Reply>> SampleAsync(
        string checkpoint,
        IReadOnlyList<string> messages,
        Func<SamplingParameters, SamplingParameters> adjust,
        int? threads,
        CancellationToken cancel
    )
    {
        await using var engine = Engine.Load(new EngineOptions { Model = checkpoint, Threads = threads });
        IDecodeDevice device = engine.Devices.Values.Single();
        var replies = new List<Reply>();
        foreach (string message in messages)
        {
            var text = new StringBuilder();
            var ids = new List<int>();
            EndReason? end = null;
            var work = new DecodeJob
            {
                Slot = 0,
                Layout = engine.DefaultLayout,
                Reset = true,
                Input = [new TokenRun(0, engine.Chat.Opening(null, [message]))],
                BeginsText = true,
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
