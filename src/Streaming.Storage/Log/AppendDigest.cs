using System.Security.Cryptography;
using System.Text;

namespace Streaming.Storage.Log;

/// <summary>SHA-256 over everything in an append. An append with the digest of the last stored one is its repetition.</summary>
internal static class AppendDigest
{
    /// <summary>The digest, 32 bytes.</summary>
    public static byte[] Of(LogAppend append)
    {
        using var sha = SHA256.Create();
        using (var hashed = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        using (var writer = new BinaryWriter(hashed, Encoding.UTF8))
            Write(writer, append);
        return sha.Hash!;
    }

    private static void Write(BinaryWriter to, LogAppend append)
    {
        to.Write(append.Epoch);
        to.Write(append.ExpectedLastSeq);
        to.Write(append.ExpectedPosition ?? -1);
        to.Write(append.CutTo ?? -1);
        to.Write(append.LastTurn);
        to.Write(append.Running);
        to.Write(append.State);
        to.Write(append.ActiveAt?.UtcTicks ?? -1);
        to.Write(append.Ids.Length);
        foreach (int id in append.Ids.Span)
            to.Write(id);
        to.Write(append.Events.Count);
        foreach (LogEvent e in append.Events)
            Write(to, e);
        to.Write(append.Receipt is not null);
        if (append.Receipt is { } receipt)
        {
            to.Write(receipt.MessageHash);
            to.Write(receipt.TextHash);
            to.Write(receipt.Turn);
            to.Write(receipt.Seq);
        }

        if (append.RequiredVersion > 1)
            to.Write(append.RequiredVersion); // Version 1 has no such field.
    }

    /// <summary>Writes all fields of an event.</summary>
    public static void Write(BinaryWriter to, LogEvent e)
    {
        to.Write(e.First);
        to.Write(e.Last);
        to.Write(e.Kind);
        to.Write(e.Turn);
        WriteOptional(to, e.Author);
        to.Write(e.Text);
        to.Write(e.TextOffset);
        to.Write(e.Lengths.Count);
        foreach (int length in e.Lengths)
            to.Write(length);
        to.Write(e.At.UtcTicks);
        WriteOptional(to, e.Detail);
    }

    private static void WriteOptional(BinaryWriter to, string? text)
    {
        to.Write(text is not null);
        if (text is not null)
            to.Write(text);
    }
}
