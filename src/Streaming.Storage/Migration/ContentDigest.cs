using System.Security.Cryptography;
using System.Text;
using Streaming.Storage.Log;

namespace Streaming.Storage.Migration;

/// <summary>
/// Counts and a digest over a conversation's log without its head: the same in every store, however the rows are cut. Add events first,
/// then branches, then ids by branch and position; receipts in any order.
/// </summary>
internal sealed class ContentDigest : IDisposable
{
    private readonly SHA256 _sha = SHA256.Create();
    private readonly CryptoStream _hashed;
    private readonly BinaryWriter _writer;
    private readonly ulong[] _receiptSum = new ulong[SHA256.HashSizeInBytes / sizeof(ulong)];
    private long _events;
    private long _ids;
    private long _receipts;

    public ContentDigest()
    {
        _hashed = new CryptoStream(Stream.Null, _sha, CryptoStreamMode.Write);
        _writer = new BinaryWriter(_hashed, Encoding.UTF8);
    }

    /// <summary>Adds events, in order.</summary>
    public void Add(IReadOnlyList<LogEvent> events)
    {
        foreach (LogEvent e in events)
            AppendDigest.Write(_writer, e);
        _events += events.Count;
    }

    /// <summary>Adds a branch.</summary>
    public void AddBranch(int branch, long start, int parent)
    {
        _writer.Write(branch);
        _writer.Write(start);
        _writer.Write(parent);
    }

    /// <summary>Adds ids of a branch, the first at a position.</summary>
    public void AddIds(int branch, long position, ReadOnlySpan<int> ids)
    {
        for (int i = 0; i < ids.Length; i++)
        {
            _writer.Write(branch);
            _writer.Write(position + i);
            _writer.Write(ids[i]);
        }

        _ids += ids.Length;
    }

    /// <summary>Adds a receipt. Each store has its own order of receipts, so their digests are summed up.</summary>
    public void Add(MessageReceipt receipt)
    {
        byte[] digest = SHA256.HashData(
            Encoding.UTF8.GetBytes($"{receipt.MessageHash}\n{receipt.TextHash}\n{receipt.Turn}\n{receipt.Seq}")
        );
        for (int i = 0; i < _receiptSum.Length; i++)
            _receiptSum[i] = unchecked(_receiptSum[i] + BitConverter.ToUInt64(digest, i * sizeof(ulong)));
        _receipts++;
    }

    /// <summary>Returns counts and digest; nothing can be added after it.</summary>
    public ContentSummary Finish()
    {
        foreach (ulong part in _receiptSum)
            _writer.Write(part);
        _writer.Flush();
        _hashed.FlushFinalBlock();
        return new ContentSummary(_events, _ids, _receipts, Convert.ToHexString(_sha.Hash!));
    }

    public void Dispose()
    {
        _writer.Dispose();
        _sha.Dispose();
    }
}

/// <summary>Counts and digest of a conversation's log.</summary>
internal sealed record ContentSummary(long Events, long Ids, long Receipts, string Digest);
