using Streaming.Inference.Caching;
using Streaming.Inference.Sampling;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Batching;

/// <summary>Consecutive tokens of a stream.</summary>
/// <param name="Position">Stream position of the first one.</param>
/// <param name="Ids">Their ids.</param>
public sealed record TokenRun(long Position, ReadOnlyMemory<int> Ids);

/// <summary>One request to a device: feed these tokens to this slot, then sample until an end.</summary>
public sealed record DecodeJob
{
    /// <summary>The slot, 0 to <see cref="IDecodeDevice.Slots"/> - 1. One job at a time per slot.</summary>
    public required int Slot { get; init; }

    /// <summary>How the slot is used. Differs from the slot's present one only together with <see cref="Reset"/>.</summary>
    public required CacheLayout Layout { get; init; }

    /// <summary>Empties the slot first. Otherwise the first run goes on exactly where the slot is.</summary>
    public bool Reset { get; init; }

    /// <summary>
    /// Fills the slot from this first, whatever it held; then the first run goes on at the snapshot's position. The caller disposes it
    /// when the job has ended. Not together with <see cref="Reset"/>.
    /// </summary>
    public ISlotSnapshot? Snapshot { get; init; }

    /// <summary>Hash of all ids of the stream up to the end of the input, which snapshots of the slot need; null when it is not known.</summary>
    public StreamHash? StreamHash { get; init; }

    /// <summary>
    /// What is fed before the first token is sampled; at least one token in all. Positions rise, and only one gap is
    /// allowed: after the fixed part, when a slot is rebuilt from the fixed part and the end of a stream.
    /// </summary>
    public required IReadOnlyList<TokenRun> Input { get; init; }

    /// <summary>How tokens are chosen and when the reply ends.</summary>
    public required SamplingParameters Sampling { get; init; }

    /// <summary>The conversation's branch; part of the randomness.</summary>
    public int Branch { get; init; }

    /// <summary>
    /// Tokens this reply has already from before an interruption; count against the limit. At the limit already, the job ends
    /// at once and the slot stays as it is.
    /// </summary>
    public long AlreadyGenerated { get; init; }

    /// <summary>What the reply's text still owes from before an interruption.</summary>
    public TextState Text { get; init; } = TextState.Empty;
}

/// <summary>Why a reply ended.</summary>
public enum EndReason
{
    /// <summary>An end token or a stop string.</summary>
    Stop,

    /// <summary>The limit of tokens.</summary>
    Length,

    /// <summary>Somebody asked.</summary>
    Stopped,

    /// <summary>A new message for an endless reply.</summary>
    Interrupted,
}

/// <summary>What a device tells about its job.</summary>
public abstract record DecodeOutput;

/// <summary>Part of a long input has been read.</summary>
/// <param name="Done">Tokens fed so far.</param>
/// <param name="Total">Tokens to feed.</param>
public sealed record PrefillProgress(long Done, long Total) : DecodeOutput;

/// <summary>A token was sampled; it takes the next stream position and is fed with the next step, or pending at the end.</summary>
/// <param name="Id">The token.</param>
/// <param name="Text">The text that it completes, in whole characters; often one word, may be empty.</param>
/// <param name="State">What the text still owes after this token.</param>
/// <param name="LogProbabilities">The model's, where <see cref="SamplingParameters.LogProbabilities"/> asks for them.</param>
public sealed record TokenSampled(int Id, string Text, TextState State, TokenLogProbabilities? LogProbabilities = null) : DecodeOutput;

/// <summary>The last output of a job that ended by itself or was stopped.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Text">The rest of the text that was held back for a stop string; an incomplete character becomes U+FFFD.</param>
/// <param name="InputTokens">Tokens fed before sampling.</param>
/// <param name="InputTime">Time from the start of the job to the first sampled token.</param>
/// <param name="DecodeTime">Time from the first sampled token to the end.</param>
public sealed record DecodeEnded(EndReason Reason, string Text, long InputTokens, TimeSpan InputTime, TimeSpan DecodeTime) : DecodeOutput;

/// <summary>
/// One device with a loaded checkpoint and its slots. The batcher is the real one; the interface keeps the grains' rules about
/// slots and places in line testable without tensors.
/// </summary>
public interface IDecodeDevice : IAsyncDisposable
{
    /// <summary>Conversations whose tensors the device holds at a time.</summary>
    int Slots { get; }

    /// <summary>Places of a slot, C; a layout must fit in it.</summary>
    int Capacity { get; }

    /// <summary>Tokens from the end of a stream that rebuild a slot exactly, for a window of W: L(W-1)+1.</summary>
    int RebuildLength(int window);

    /// <summary>Whether the step under way takes so long that the device must be taken for hung: its jobs are better off elsewhere.</summary>
    bool IsStuck { get; }

    /// <summary>Whether a slot's job has not ended yet; what it gave may be unread still when it has.</summary>
    bool IsBusy(int slot);

    /// <summary>
    /// Runs a job; each output comes in order, at most a few hundred ahead of the reader (then the job pauses).
    /// Cancelling ends the job between two steps; tokens that were not read are lost, and the slot must be reset.
    /// </summary>
    /// <exception cref="InputException">The job contradicts the slot or the checkpoint.</exception>
    /// <exception cref="DeviceFailedException">The device failed at a step of this job; the slot must be reset.</exception>
    IAsyncEnumerable<DecodeOutput> DecodeAsync(DecodeJob job, CancellationToken cancellation = default);

    /// <summary>
    /// A snapshot of a slot as it is between two steps, with or without a job; asked for before a job, it is of what was there
    /// before it. Null when there is nothing to go on from (empty, lost, or in the middle of an input) or nothing that tells the stream
    /// (<see cref="DecodeJob.StreamHash"/>), and while another of the same slot is under way. The caller disposes it.
    /// </summary>
    Task<ISlotSnapshot?> CaptureAsync(int slot, CancellationToken cancellation = default);

    /// <summary>Reads a snapshot that was written by a device of the same kind, to its end; no slot is touched. The caller disposes it.</summary>
    /// <exception cref="SnapshotRefusedException">It is damaged, or of another checkpoint, shape or arithmetic.</exception>
    Task<ISlotSnapshot> ReadSnapshotAsync(Stream from, CancellationToken cancellation = default);

    /// <summary>Ends the slot's job after the step under way; everything sampled by then is still delivered. No job: no effect.</summary>
    void Stop(int slot, EndReason reason);
}

/// <summary>A step failed on the device (out of memory, a native error). Other jobs go on.</summary>
public sealed class DeviceFailedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public DeviceFailedException(string message, Exception inner)
        : base(message, inner) { }
}
