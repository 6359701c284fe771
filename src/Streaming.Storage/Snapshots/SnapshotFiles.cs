using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Streaming.Storage.Snapshots;

/// <summary>A published snapshot file.</summary>
/// <param name="Folder">The name of the conversation's folder.</param>
/// <param name="Branch">The branch.</param>
/// <param name="Position">The position.</param>
/// <param name="Bytes">The length in bytes.</param>
internal sealed record SnapshotFile(string Folder, int Branch, long Position, long Bytes)
{
    private const string Extension = ".snapshot";

    /// <summary>The path below the store's folder.</summary>
    public string Path =>
        System.IO.Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{Branch:D10}-{Position:D19}{Extension}"));

    /// <summary>The folder of a conversation: a hash of the id, valid as a name on every file system.</summary>
    public static string FolderOf(string conversationId) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(conversationId)).AsSpan(0, 16));

    /// <summary>A file found in the store's folder; null if it is not a snapshot.</summary>
    public static SnapshotFile? Of(FileInfo file)
    {
        string[] parts = System.IO.Path.GetFileNameWithoutExtension(file.Name).Split('-');
        return
            file.Extension == Extension
            && parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int branch)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long position)
            ? new SnapshotFile(file.Directory!.Name, branch, position, file.Length)
            : null;
    }
}

/// <summary>
/// The published files, in the order of publication, and the bytes that they and unfinished ones take. To stay within a limit, it names the
/// oldest files for deletion. Used by one thread at a time.
/// </summary>
internal sealed class SnapshotFiles(long maxBytes)
{
    private readonly LinkedList<SnapshotFile> _oldestFirst = [];
    private readonly Dictionary<string, List<LinkedListNode<SnapshotFile>>> _byFolder = new(StringComparer.Ordinal);

    /// <summary>Bytes of all published and unfinished files.</summary>
    public long Bytes { get; private set; }

    /// <summary>A conversation's files.</summary>
    public IEnumerable<SnapshotFile> Of(string folder) =>
        _byFolder.TryGetValue(folder, out List<LinkedListNode<SnapshotFile>>? nodes) ? nodes.Select(node => node.Value) : [];

    /// <summary>Reserves bytes for an unfinished file, until <see cref="Release"/>. Returns the published files to delete for it.</summary>
    public IReadOnlyList<SnapshotFile> Reserve(long bytes)
    {
        Bytes += bytes;
        var gone = new List<SnapshotFile>();
        while (Bytes > maxBytes && _oldestFirst.First is { } oldest)
        {
            gone.Add(oldest.Value);
            Remove(oldest.Value);
        }
        return gone;
    }

    /// <summary>Releases the bytes of an unfinished file.</summary>
    public void Release(long bytes) => Bytes -= bytes;

    /// <summary>Adds a published file; it replaces one of the same name.</summary>
    public void Add(SnapshotFile file)
    {
        Remove(file);
        if (!_byFolder.TryGetValue(file.Folder, out List<LinkedListNode<SnapshotFile>>? nodes))
            _byFolder[file.Folder] = nodes = [];
        nodes.Add(_oldestFirst.AddLast(file));
        Bytes += file.Bytes;
    }

    /// <summary>Removes a deleted file.</summary>
    public void Remove(SnapshotFile file)
    {
        if (!_byFolder.TryGetValue(file.Folder, out List<LinkedListNode<SnapshotFile>>? nodes))
            return;
        int index = nodes.FindIndex(node => (node.Value.Branch, node.Value.Position) == (file.Branch, file.Position));
        if (index < 0)
            return;
        Bytes -= nodes[index].Value.Bytes;
        _oldestFirst.Remove(nodes[index]);
        nodes.RemoveAt(index);
        if (nodes.Count == 0)
            _byFolder.Remove(file.Folder);
    }
}
