using Streaming.Inference.Caching;
using Streaming.Inference.Sampling;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Batching;

/// <summary>Consecutive tokens of a stream.</summary>
/// <param name="Position">Stream position of the first one.</param>
/// <param name="Ids">Their ids.</param>
public sealed record TokenRun(long Position, ReadOnlyMemory<int> Ids);

/// <summary>One request to a device: prefill a slot with these tokens, then sample until the reply ends.</summary>
public sealed record DecodeJob
{
    /// <summary>The slot, 0 to <see cref="IDecodeDevice.Slots"/> - 1. One job at a time per slot.</summary>
    public required int Slot { get; init; }

    /// <summary>How the slot is used. Only a job with <see cref="Reset"/> may change it.</summary>
    public required CacheLayout Layout { get; init; }

    /// <summary>Whether to clear the slot first. Otherwise the first run must begin at the slot's position.</summary>
    public bool Reset { get; init; }

    /// <summary>
    /// Restores the slot from this snapshot first; the first run must begin at the snapshot's position. The caller disposes it after
    /// the job has ended. Not together with <see cref="Reset"/>.
    /// </summary>
    public ISlotSnapshot? Snapshot { get; init; }

    /// <summary>Hash of all ids of the stream up to the end of the input; null if unknown. Snapshots of the slot need it.</summary>
    public StreamHash? StreamHash { get; init; }

    /// <summary>
    /// Tokens to prefill before the first one is sampled; at least one in all. Positions ascend. Only one gap is allowed: after the
    /// fixed part, if the slot is rebuilt from the fixed part and the end of a stream.
    /// </summary>
    public required IReadOnlyList<TokenRun> Input { get; init; }

    /// <summary>How tokens are chosen and when the reply ends.</summary>
    public required SamplingParameters Sampling { get; init; }

    /// <summary>The conversation's branch; random numbers depend on it.</summary>
    public int Branch { get; init; }

    /// <summary>
    /// Tokens that this reply had before an interruption; they count towards its token limit. If the limit is reached already, the
    /// job ends at once and the slot stays unchanged.
    /// </summary>
    public long AlreadyGenerated { get; init; }

    /// <summary>Pending text of the reply from before an interruption.</summary>
    public TextState Text { get; init; } = TextState.Empty;

    /// <summary>
    /// Whether the reply is a text of its own, whose first token lacks SentencePiece's space, and not the continuation of the input's
    /// text.
    /// </summary>
    public bool BeginsText { get; init; }

    /// <summary>What the job did before it was preempted.</summary>
    internal JobProgress Earlier { get; init; }
}

/// <summary>What a job did before it was preempted.</summary>
/// <param name="InputTokens">Tokens prefilled.</param>
/// <param name="InputTime">Time on the device before the first token.</param>
/// <param name="DecodeTime">Time on the device after the first token.</param>
/// <param name="Rebuilds">Whether its input leaves tokens out, and so rebuilds the slot.</param>
/// <param name="Decodes">Whether a token was sampled: the rest's input is this pending token.</param>
internal readonly record struct JobProgress(long InputTokens, TimeSpan InputTime, TimeSpan DecodeTime, bool Rebuilds, bool Decodes);

/// <summary>Why a reply ended.</summary>
public enum EndReason
{
    /// <summary>An end token or a stop string.</summary>
    Stop,

    /// <summary>The token limit.</summary>
    Length,

    /// <summary>A user stopped it.</summary>
    Stopped,

    /// <summary>A new message interrupted an endless reply.</summary>
    Interrupted,
}

/// <summary>An output of a decode job.</summary>
public abstract record DecodeOutput;

/// <summary>Part of a long input is prefilled.</summary>
/// <param name="Done">Tokens prefilled so far.</param>
/// <param name="Total">Tokens to prefill.</param>
public sealed record PrefillProgress(long Done, long Total) : DecodeOutput;

/// <summary>A token was sampled. It takes the next stream position; the next step feeds it, or it stays pending at the end.</summary>
/// <param name="Id">The token.</param>
/// <param name="Text">The text that it completes, in whole characters; often one word, sometimes empty.</param>
/// <param name="State">The text that is pending after this token.</param>
/// <param name="LogProbabilities">The model's, if <see cref="SamplingParameters.LogProbabilities"/> asks for them; else null.</param>
public sealed record TokenSampled(int Id, string Text, TextState State, TokenLogProbabilities? LogProbabilities = null) : DecodeOutput;

/// <summary>The last output of a job that ended or was stopped.</summary>
/// <param name="Reason">Why the reply ended.</param>
/// <param name="Text">Text that was held back for a stop string; an incomplete character becomes U+FFFD.</param>
/// <param name="InputTokens">Tokens prefilled.</param>
/// <param name="InputTime">Time from the start of the job to the first sampled token.</param>
/// <param name="DecodeTime">Time from the first sampled token to the end.</param>
public sealed record DecodeEnded(EndReason Reason, string Text, long InputTokens, TimeSpan InputTime, TimeSpan DecodeTime) : DecodeOutput;

/// <summary>
/// The last output of a job that was preempted: it gave its slot up between two steps. The slot keeps its content until another job
/// uses it.
/// </summary>
/// <param name="Rest">
/// The rest of the job, with a snapshot of the slot: it goes on with the very next token, in any slot of the same device. The reader
/// disposes the snapshot.
/// </param>
/// <param name="IsComplete">
/// Whether the snapshot can be stored: it holds all that its position depends on, and its hash is known. Otherwise only
/// <paramref name="Rest"/> can use it.
/// </param>
/// <param name="Stopped">The last output if the reply is stopped instead of going on.</param>
/// <param name="CaptureTime">How long the copy of the slot kept the device's thread.</param>
public sealed record DecodePreempted(DecodeJob Rest, bool IsComplete, DecodeEnded Stopped, TimeSpan CaptureTime) : DecodeOutput;

/// <summary>
/// A device with a loaded checkpoint and its slots. <see cref="Batcher"/> implements it; the interface lets the grains' rules about
/// slots and queues be tested without tensors.
/// </summary>
public interface IDecodeDevice : IAsyncDisposable
{
    /// <summary>Number of slots: conversations whose tensors the device holds at a time.</summary>
    int Slots { get; }

    /// <summary>C, places of a slot; a layout must fit in it.</summary>
    int Capacity { get; }

    /// <summary>Tokens from the end of a stream that rebuild a slot exactly: L(W-1)+1 for a window of W.</summary>
    int RebuildLength(int window);

    /// <summary>Whether the current step takes so long that the device counts as hung, so its jobs should move to another one.</summary>
    bool IsHung { get; }

    /// <summary>Whether a slot's job is still running. Outputs of an ended job may still be unread.</summary>
    bool IsBusy(int slot);

    /// <summary>
    /// Runs a job and returns its outputs in order. The job pauses while a few hundred outputs are unread.
    /// Cancelling ends the job between two steps; unread tokens are lost, and the slot must be reset.
    /// </summary>
    /// <exception cref="InputException">The job contradicts the slot or the checkpoint.</exception>
    /// <exception cref="DeviceFailedException">The device failed at a step of this job; the slot must be reset.</exception>
    IAsyncEnumerable<DecodeOutput> DecodeAsync(DecodeJob job, CancellationToken cancellation = default);

    /// <summary>
    /// Captures a slot between two steps, whether or not a job runs. A request that precedes a job captures what the slot held before
    /// that job. Null if the slot is empty, must be reset, is being rebuilt, or has no known <see cref="DecodeJob.StreamHash"/>, and
    /// while another capture of the slot is pending. The caller disposes the snapshot.
    /// </summary>
    Task<ISlotSnapshot?> CaptureAsync(int slot, CancellationToken cancellation = default);

    /// <summary>
    /// Reads a snapshot, written by a device of the same kind, to the end of the stream. No slot changes. The caller disposes it.
    /// </summary>
    /// <exception cref="SnapshotRefusedException">It is damaged, or of another checkpoint, shape or arithmetic.</exception>
    Task<ISlotSnapshot> ReadSnapshotAsync(Stream from, CancellationToken cancellation = default);

    /// <summary>
    /// Ends the slot's job after the current step; its reader still gets all tokens sampled by then. Without a job: no effect.
    /// </summary>
    void Stop(int slot, EndReason reason);

    /// <summary>
    /// Asks the slot's job to give the slot up between two steps, in the middle of its input too, but not before its first step. Its
    /// last output is then <see cref="DecodePreempted"/>, unless it ends first. Without a job: no effect.
    /// </summary>
    void Preempt(int slot);
}

/// <summary>A step failed on the device (out of memory, a native error). Jobs outside that step go on.</summary>
public sealed class DeviceFailedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public DeviceFailedException(string message, Exception inner)
        : base(message, inner) { }
}
