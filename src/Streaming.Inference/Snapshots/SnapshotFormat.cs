using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Snapshots;

/// <summary>
/// A snapshot as bytes, all numbers little-endian: a magic number and the format's version, the header's length and the header
/// (JSON), the ids of the places, each layer's keys and values (with their scales if any), and SHA-256 over all of it.
/// </summary>
internal static class SnapshotFormat
{
    /// <summary>The version that this program reads and writes.</summary>
    public const uint Version = 1;

    private const int PreambleBytes = 16; // magic number, 8; version, 4; length of the header, 4
    private const int BlockBytes = 1 << 20;

    private static ReadOnlySpan<byte> Magic => "SLOTSNAP"u8;

    /// <summary>Bytes of a snapshot.</summary>
    public static long LengthOf(SnapshotHeader header, IEnumerable<torch.Tensor> tensors) =>
        PreambleBytes + header.ToBytes().Length + (long)header.Layout.Places * sizeof(int) + tensors.Sum(BytesOf) + SHA256.HashSizeInBytes;

    /// <summary>Writes a snapshot in blocks.</summary>
    public static async Task WriteAsync(SlotSnapshot snapshot, Stream to, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            byte[] header = snapshot.Header.ToBytes();
            byte[] beginning = new byte[PreambleBytes + header.Length + snapshot.Ids.Length * sizeof(int)];
            Magic.CopyTo(beginning);
            BinaryPrimitives.WriteUInt32LittleEndian(beginning.AsSpan(8), Version);
            BinaryPrimitives.WriteUInt32LittleEndian(beginning.AsSpan(12), (uint)header.Length);
            header.CopyTo(beginning, PreambleBytes);
            MemoryMarshal.AsBytes(snapshot.Ids).CopyTo(beginning.AsSpan(PreambleBytes + header.Length));
            hash.AppendData(beginning);
            await to.WriteAsync(beginning, cancellation).ConfigureAwait(false);
            foreach (torch.Tensor tensor in snapshot.Tensors)
                await WriteTensorAsync(tensor).ConfigureAwait(false);
            await to.WriteAsync(hash.GetHashAndReset(), cancellation).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }

        async Task WriteTensorAsync(torch.Tensor tensor)
        {
            for (long at = 0, length = BytesOf(tensor); at < length; )
            {
                int taken = (int)Math.Min(block.Length, length - at);
                tensor.bytes.Slice((int)at, taken).CopyTo(block);
                hash.AppendData(block, 0, taken);
                await to.WriteAsync(block.AsMemory(0, taken), cancellation).ConfigureAwait(false);
                at += taken;
            }
        }
    }

    /// <summary>Reads and verifies a snapshot for a device.</summary>
    /// <exception cref="SnapshotRefusedException">It is incomplete, damaged or of another kind; the message says which.</exception>
    public static async Task<SlotSnapshot> ReadAsync(Stream from, SnapshotKind kind, CacheParts parts, CancellationToken cancellation)
    {
        try
        {
            return await ReadWholeAsync(from, kind, parts, cancellation).ConfigureAwait(false);
        }
        catch (EndOfStreamException e)
        {
            throw new SnapshotRefusedException("It ends too early.", isDamaged: true, e);
        }
    }

    private static async Task<SlotSnapshot> ReadWholeAsync(Stream from, SnapshotKind kind, CacheParts parts, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        SnapshotHeader header = await ReadHeaderAsync(from, hash, cancellation).ConfigureAwait(false);
        if (kind.DifferenceFrom(header.Kind) is { } difference)
            throw new SnapshotRefusedException($"It is {difference}.", isDamaged: false);

        byte[] idBytes = await ReadPartAsync(from, hash, header.Layout.Places * sizeof(int), cancellation).ConfigureAwait(false);
        int[] ids = MemoryMarshal.Cast<byte, int>(idBytes).ToArray();
        if (ids.Count(id => id >= 0) != header.Occupied)
            throw new SnapshotRefusedException("Its ids do not match the places that it holds.", isDamaged: true);
        var snapshot = new SlotSnapshot(header, ids, TensorsFor(header, parts, parts.RowsOf(ids).Length));
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            foreach (torch.Tensor tensor in snapshot.Tensors)
                await ReadTensorAsync(tensor).ConfigureAwait(false);
            byte[] stored = new byte[SHA256.HashSizeInBytes];
            await from.ReadExactlyAsync(stored, cancellation).ConfigureAwait(false);
            if (!stored.AsSpan().SequenceEqual(hash.GetHashAndReset()))
                throw new SnapshotRefusedException("Its checksum is wrong.", isDamaged: true);
            if (await from.ReadAsync(stored, cancellation).ConfigureAwait(false) > 0)
                throw new SnapshotRefusedException("Data follows its end.", isDamaged: true);
            return snapshot;
        }
        catch
        {
            snapshot.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }

        async Task ReadTensorAsync(torch.Tensor tensor)
        {
            for (long at = 0, length = BytesOf(tensor); at < length; )
            {
                int taken = (int)Math.Min(block.Length, length - at);
                await from.ReadExactlyAsync(block.AsMemory(0, taken), cancellation).ConfigureAwait(false);
                hash.AppendData(block, 0, taken);
                block.AsSpan(0, taken).CopyTo(tensor.bytes.Slice((int)at, taken));
                at += taken;
            }
        }
    }

    private static async Task<SnapshotHeader> ReadHeaderAsync(Stream from, IncrementalHash hash, CancellationToken cancellation)
    {
        byte[] preamble = await ReadPartAsync(from, hash, PreambleBytes, cancellation).ConfigureAwait(false);
        if (!preamble.AsSpan(0, Magic.Length).SequenceEqual(Magic))
            throw new SnapshotRefusedException("It is not a snapshot of a slot.", isDamaged: true);
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(preamble.AsSpan(8));
        if (version != Version)
            throw new SnapshotRefusedException(
                $"It has version {version} of the format, and this program reads version {Version}.",
                isDamaged: false
            );
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(preamble.AsSpan(12));
        if (length > SnapshotHeader.MaxBytes)
            throw new SnapshotRefusedException($"Its header claims to have {length} bytes.", isDamaged: true);
        return SnapshotHeader.Parse(await ReadPartAsync(from, hash, (int)length, cancellation).ConfigureAwait(false));
    }

    private static async Task<byte[]> ReadPartAsync(Stream from, IncrementalHash hash, int length, CancellationToken cancellation)
    {
        byte[] part = new byte[length];
        await from.ReadExactlyAsync(part, cancellation).ConfigureAwait(false);
        hash.AppendData(part);
        return part;
    }

    /// <summary>Empty tensors for each layer's parts, [kv_heads, rows, width], on the CPU.</summary>
    private static torch.Tensor[] TensorsFor(SnapshotHeader header, CacheParts parts, int rows)
    {
        using IDisposable noGradient = torch.no_grad();
        return
        [
            .. from layer in Enumerable.Range(0, header.Kind.Layers)
            from part in parts.Parts
            select torch.empty([parts.KeyValueHeads, rows, part.Width], part.Type).DetachFromDisposeScope(),
        ];
    }

    private static long BytesOf(torch.Tensor tensor) => tensor.NumberOfElements * tensor.ElementSize;
}
