using System.Globalization;
using Azure.Data.Tables;

namespace Streaming.Storage.Azure;

/// <summary>Splits bytes over several properties of a row: Azure takes 64 KiB in a property and 1 MiB in a row.</summary>
internal static class ByteProperties
{
    /// <summary>The most bytes in a row. It leaves room for keys and numbers; the emulator counts bytes in base64, as sent.</summary>
    public const int MaxBytesPerRow = 11 * MaxBytesEach;

    private const int MaxBytesEach = 64 << 10;

    /// <summary>Stores bytes under a name, with their length: a merge keeps the last properties of an earlier, longer value.</summary>
    public static void Write(TableEntity row, string name, ReadOnlySpan<byte> bytes)
    {
        row[LengthOf(name)] = bytes.Length;
        for (int i = 0; !bytes.IsEmpty; i++)
        {
            int count = Math.Min(bytes.Length, MaxBytesEach);
            row[PieceOf(name, i)] = bytes[..count].ToArray();
            bytes = bytes[count..];
        }
    }

    /// <summary>The bytes stored under a name; empty if there are none.</summary>
    public static byte[] Read(TableEntity row, string name)
    {
        byte[] bytes = new byte[row.GetInt32(LengthOf(name)) ?? 0];
        for ((int i, int at) = (0, 0); at < bytes.Length; i++)
        {
            byte[] piece =
                row.GetBinary(PieceOf(name, i))
                ?? throw new InvalidDataException(
                    $"The store has lost a part of {name} in row {row.RowKey} of {row.PartitionKey}; restore it from a copy."
                );
            piece.CopyTo(bytes, at);
            at += piece.Length;
        }

        return bytes;
    }

    /// <summary>The names of the properties that hold at most so many bytes.</summary>
    public static IEnumerable<string> Names(string name, int maxBytes) =>
        [LengthOf(name), .. Enumerable.Range(0, (maxBytes + MaxBytesEach - 1) / MaxBytesEach).Select(i => PieceOf(name, i))];

    private static string LengthOf(string name) => name + "Bytes";

    private static string PieceOf(string name, int index) => string.Create(CultureInfo.InvariantCulture, $"{name}{index:00}");
}
