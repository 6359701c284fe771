using System.Text;
using Streaming.Inference;
using Streaming.Inference.Batching;
using Streaming.Inference.Chat;

namespace Streaming.Training.Reports;

/// <summary>Lets the engine answer with a checkpoint that was just written, as it would answer people.</summary>
internal static class SampleReplies
{
    /// <summary>Answers messages, each in a conversation of its own.</summary>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <param name="messages">The messages.</param>
    /// <param name="maxTokens">Tokens that a reply may have.</param>
    /// <param name="seed">What the replies are sampled with.</param>
    /// <param name="systemPrompt">A system prompt, or null.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="cancel">Ends it early.</param>
    /// <returns>The replies, in the order of the messages.</returns>
    public static async Task<IReadOnlyList<string>> OfAsync(
        string checkpoint, IReadOnlyList<string> messages, int maxTokens, ulong seed, string? systemPrompt, int? threads, CancellationToken cancel)
    {
        await using Engine engine = Engine.Load(new EngineOptions { Model = checkpoint, Threads = threads });
        ChatFormat format = ChatFormat.Load(checkpoint, engine.Tokenizer);
        IDecodeDevice device = engine.Devices.Values.Single();
        var replies = new List<string>();
        foreach (string message in messages)
        {
            var reply = new StringBuilder();
            var work = new DecodeWork
            {
                Slot = 0,
                Layout = engine.DefaultLayout,
                Reset = true,
                Input = [new TokenRun(0, format.Opening(systemPrompt, [message]))],
                Sampling = engine.DefaultSampling with { Seed = seed, MaxTokens = maxTokens },
            };
            await foreach (DecodeOutput part in device.DecodeAsync(work, cancel).ConfigureAwait(false))
                reply.Append(part switch { TokenSampled token => token.Text, DecodeEnded end => end.Text, _ => "" });
            replies.Add(reply.ToString());
        }
        return replies;
    }
}
