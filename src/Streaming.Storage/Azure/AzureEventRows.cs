using System.Text;
using Azure.Data.Tables;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>
/// Rows of events, <c>e-LAST</c>: a block of an append's events, keyed by its last number, so that the first row at or after a number
/// contains it. A block that does not fit one row continues in <c>e-LAST-1</c> and so on, in the same transaction.
/// </summary>
internal static class AzureEventRows
{
    private const string Prefix = "e-";
    private const string Block = "Block";
    private const string Parts = "Parts";

    // Reading a page starts with a whole block: blocks of this size waste little.
    private const int MaxEventsPerBlock = 128;
    private const int MaxTextPerBlock = 64 << 10;

    /// <summary>The rows of an append.</summary>
    public static IEnumerable<TableEntity> Of(string partition, IReadOnlyList<LogEvent> events)
    {
        var block = new List<LogEvent>();
        int text = 0;
        foreach (LogEvent e in events)
        {
            block.Add(e);
            text += e.Text.Length;
            if (block.Count < MaxEventsPerBlock && text < MaxTextPerBlock)
                continue;
            foreach (TableEntity row in OfBlock(partition, block))
                yield return row;
            block.Clear();
            text = 0;
        }

        if (block.Count == 0)
            yield break;
        foreach (TableEntity row in OfBlock(partition, block))
            yield return row;
    }

    /// <summary>Events from the one that contains <paramref name="fromSeq"/> upwards, within the limits, but at least one.</summary>
    public static async Task<IReadOnlyList<LogEvent>> ReadAsync(
        AzureTable table,
        string partition,
        long fromSeq,
        long toSeq,
        int maxRows,
        int maxTextBytes,
        CancellationToken cancellation
    )
    {
        var page = new List<LogEvent>();
        long bytes = 0;
        IAsyncEnumerable<IReadOnlyList<LogEvent>> blocks = ReadBlocksAsync(table, partition, Math.Max(0, fromSeq), maxRows, cancellation);
        await foreach (IReadOnlyList<LogEvent>? block in blocks.ConfigureAwait(false))
        {
            foreach (LogEvent? e in block)
            {
                if (e.Last < fromSeq)
                    continue;
                bytes += Encoding.UTF8.GetByteCount(e.Text);
                if (e.First > toSeq || page.Count == maxRows || (page.Count > 0 && bytes > maxTextBytes))
                    return page;
                page.Add(e);
            }

            if (page.Count == maxRows)
                break;
        }

        return page;
    }

    private static async IAsyncEnumerable<IReadOnlyList<LogEvent>> ReadBlocksAsync(
        AzureTable table,
        string partition,
        long fromSeq,
        int atMost,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation
    )
    {
        var pieces = new List<byte[]>();
        int parts = 0;
        IAsyncEnumerable<TableEntity> rows = table.RangeAsync(
            partition,
            Prefix + TableKeys.Number(fromSeq),
            Prefix + TableKeys.After,
            atMost,
            null,
            cancellation
        );
        await foreach (TableEntity? row in rows.ConfigureAwait(false))
        {
            if (pieces.Count == 0)
                parts =
                    row.GetInt32(Parts)
                    ?? throw new InvalidDataException(
                        $"The store has lost the beginning of the events in row {row.RowKey} of {partition}; restore it from a copy."
                    );
            pieces.Add(ByteProperties.Read(row, Block));
            if (pieces.Count < parts)
                continue;
            yield return EventBlock.Decode(pieces is [var whole] ? whole : [.. pieces.SelectMany(piece => piece)]);
            pieces.Clear();
        }

        if (pieces.Count > 0)
            throw new InvalidDataException($"The store has lost the end of the last events of {partition}; restore it from a copy.");
    }

    private static IEnumerable<TableEntity> OfBlock(string partition, List<LogEvent> block)
    {
        byte[] bytes = EventBlock.Encode(block);
        int parts = (bytes.Length + ByteProperties.MaxBytesPerRow - 1) / ByteProperties.MaxBytesPerRow;
        for (int part = 0; part < parts; part++)
        {
            int from = part * ByteProperties.MaxBytesPerRow;
            var row = new TableEntity(partition, Key(block[^1].Last, part));
            if (part == 0)
                row[Parts] = parts;
            ByteProperties.Write(row, Block, bytes.AsSpan(from, Math.Min(ByteProperties.MaxBytesPerRow, bytes.Length - from)));
            yield return row;
        }
    }

    // There are fewer than ten parts, since an append has at most 2 MiB.
    private static string Key(long last, int part) => Prefix + TableKeys.Number(last) + (part == 0 ? "" : $"-{part}");
}
