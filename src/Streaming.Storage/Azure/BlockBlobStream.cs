using System.Buffers;
using System.Globalization;
using System.Text;
using Azure.Storage.Blobs.Specialized;

namespace Streaming.Storage.Azure;

/// <summary>
/// Writes the blocks of a blob, which are invisible until they are committed. Azure Storage discards blocks that never are.
/// </summary>
internal sealed class BlockBlobStream(BlockBlobClient blob) : Stream
{
    private const int BlockBytes = 4 << 20;

    // Block names contain this writer's random name, so the blocks of two writers of one blob do not mix.
    private readonly string _writer = Guid.NewGuid().ToString("N");
    private readonly List<string> _blocks = [];
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
    private int _buffered;

    /// <summary>Bytes written so far.</summary>
    public long Written { get; private set; }

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => Written;

    /// <inheritdoc/>
    public override long Position
    {
        get => Written;
        set => throw new NotSupportedException("The blocks of a blob are written in order.");
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            int taken = Math.Min(buffer.Length, BlockBytes - _buffered);
            buffer[..taken].CopyTo(_buffer.AsMemory(_buffered));
            _buffered += taken;
            Written += taken;
            buffer = buffer[taken..];
            if (_buffered == BlockBytes)
                await StageAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Sends the remaining bytes.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => StageAsync(cancellationToken);

    /// <summary>Publishes everything written as the blob, atomically.</summary>
    public Task CommitAsync(CancellationToken cancellation) => blob.CommitBlockListAsync(_blocks, cancellationToken: cancellation);

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("Blocks are sent asynchronously: use WriteAsync.");

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException("Blocks are sent asynchronously: use FlushAsync.");

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("This stream is write-only.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) =>
        throw new NotSupportedException("The blocks of a blob are written in order.");

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException("The length of a blob is what was written.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _buffered >= 0)
        {
            _buffered = -1;
            ArrayPool<byte>.Shared.Return(_buffer);
        }
        base.Dispose(disposing);
    }

    private async Task StageAsync(CancellationToken cancellation)
    {
        if (_buffered == 0)
            return;
        string block = Convert.ToBase64String(
            Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_writer}{_blocks.Count:D5}"))
        );
        using var content = new MemoryStream(_buffer, 0, _buffered, writable: false);
        await blob.StageBlockAsync(block, content, cancellationToken: cancellation).ConfigureAwait(false);
        _blocks.Add(block);
        _buffered = 0;
    }
}
