using System.Text;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>Encodes consecutive events as bytes. An append may have more events than a transaction has rows (100).</summary>
internal static class EventBlock
{
    /// <summary>Encodes events; an unpaired surrogate becomes U+FFFD, as in every store.</summary>
    public static byte[] Encode(IReadOnlyList<LogEvent> events)
    {
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8))
        {
            writer.Write7BitEncodedInt(events.Count);
            foreach (LogEvent e in events)
                Write(writer, e);
        }

        return bytes.ToArray();
    }

    /// <summary>Decodes what <see cref="Encode"/> made.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a block.</exception>
    public static IReadOnlyList<LogEvent> Decode(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        try
        {
            var events = new LogEvent[ReadCount(reader)];
            for (int i = 0; i < events.Length; i++)
                events[i] = Read(reader);
            return events;
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or ArgumentException)
        {
            throw new InvalidDataException("A block of events in the store is damaged; restore its table from a copy.", e);
        }
    }

    /// <summary>Reads the number of items that follow, at most the bytes left, so a damaged number cannot exhaust memory.</summary>
    private static int ReadCount(BinaryReader from)
    {
        int count = from.Read7BitEncodedInt();
        return count >= 0 && count <= from.BaseStream.Length - from.BaseStream.Position ? count : throw new EndOfStreamException();
    }

    private static void Write(BinaryWriter to, LogEvent e)
    {
        to.Write7BitEncodedInt64(e.First);
        to.Write7BitEncodedInt64(e.Last - e.First);
        to.Write(e.Kind);
        to.Write7BitEncodedInt(e.Turn);
        WriteOptional(to, e.Author);
        to.Write(e.Text);
        to.Write7BitEncodedInt64(e.TextOffset);
        to.Write7BitEncodedInt(e.Lengths.Count);
        foreach (int length in e.Lengths)
            to.Write7BitEncodedInt(length);
        to.Write(e.At.UtcTicks);
        WriteOptional(to, e.Detail);
    }

    private static LogEvent Read(BinaryReader from)
    {
        long first = from.Read7BitEncodedInt64();
        return new LogEvent
        {
            First = first,
            Last = first + from.Read7BitEncodedInt64(),
            Kind = from.ReadString(),
            Turn = from.Read7BitEncodedInt(),
            Author = ReadOptional(from),
            Text = from.ReadString(),
            TextOffset = from.Read7BitEncodedInt64(),
            Lengths = ReadLengths(from),
            At = new DateTimeOffset(from.ReadInt64(), TimeSpan.Zero),
            Detail = ReadOptional(from),
        };
    }

    private static int[] ReadLengths(BinaryReader from)
    {
        int[] lengths = new int[ReadCount(from)];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = from.Read7BitEncodedInt();
        return lengths;
    }

    private static void WriteOptional(BinaryWriter to, string? text)
    {
        to.Write(text is not null);
        if (text is not null)
            to.Write(text);
    }

    private static string? ReadOptional(BinaryReader from) => from.ReadBoolean() ? from.ReadString() : null;
}
