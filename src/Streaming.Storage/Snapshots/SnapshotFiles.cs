using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Streaming.Storage.Snapshots;

/// <summary>A published file.</summary>
/// <param name="Folder">The name of its conversation's folder.</param>
/// <param name="Branch">The branch.</param>
/// <param name="Position">The position.</param>
/// <param name="Bytes">Its length.</param>
internal sealed record SnapshotFile(string Folder, int Branch, long Position, long Bytes)
{
    private const string Extension = ".snapshot";

    /// <summary>Its path below the store's folder.</summary>
    public string Path =>
        System.IO.Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{Branch:D10}-{Position:D19}{Extension}"));

    /// <summary>The folder of a conversation: the same length for any id, and no character that a file system would refuse.</summary>
    public static string FolderOf(string conversationId) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(conversationId)).AsSpan(0, 16));

    /// <summary>A file as it is found; null when it is none of the store's.</summary>
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
/// Which files are published, in the order in which they were, and how many bytes they and those under way take. It keeps within a
/// limit by naming the oldest ones to be deleted. Used by one thread at a time.
/// </summary>
internal sealed class SnapshotFiles(long maxBytes)
{
    private readonly LinkedList<SnapshotFile> _oldestFirst = [];
    private readonly Dictionary<string, List<LinkedListNode<SnapshotFile>>> _byFolder = new(StringComparer.Ordinal);

    /// <summary>Bytes of all published files and of those under way.</summary>
    public long Bytes { get; private set; }

    /// <summary>A conversation's files.</summary>
    public IEnumerable<SnapshotFile> Of(string folder) =>
        _byFolder.TryGetValue(folder, out List<LinkedListNode<SnapshotFile>>? nodes) ? nodes.Select(node => node.Value) : [];

    /// <summary>Counts a file under way, which <see cref="Release"/> takes back; returns the published ones that must go for it.</summary>
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

    /// <summary>A file is no longer under way.</summary>
    public void Release(long bytes) => Bytes -= bytes;

    /// <summary>A file was published; one of the same name is replaced.</summary>
    public void Add(SnapshotFile file)
    {
        Remove(file);
        if (!_byFolder.TryGetValue(file.Folder, out List<LinkedListNode<SnapshotFile>>? nodes))
            _byFolder[file.Folder] = nodes = [];
        nodes.Add(_oldestFirst.AddLast(file));
        Bytes += file.Bytes;
    }

    /// <summary>A file is gone.</summary>
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
