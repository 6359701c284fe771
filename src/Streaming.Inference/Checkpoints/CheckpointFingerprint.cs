using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// Identifies a checkpoint by its contents, independent of its location: SHA-256 over the files that define ids and over the weights.
/// Of large weights only lengths and blocks spread over each file are hashed, so that a host with 100 GB of weights starts at once.
/// Two checkpoints that share all those blocks count as the same.
/// </summary>
internal static class CheckpointFingerprint
{
    private const long WholeBelow = 64L << 20; // total bytes of weights
    private const int SampledBlocks = 256,
        BlockBytes = 16 << 10;
    private static readonly string[] SmallFiles = ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

    /// <summary>Lower-case hexadecimal, 64 characters.</summary>
    public static string Of(string folder, IEnumerable<string> weightFiles)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string name in SmallFiles)
        {
            string path = Path.Combine(folder, name);
            if (CheckpointFiles.IsThere(path))
                Append(hash, name, path, sampled: false);
        }
        string[] weights = [.. weightFiles];
        bool sampled = weights.Sum(LengthOf) >= WholeBelow;
        foreach (string path in weights)
            Append(hash, Path.GetFileName(path), path, sampled);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The file's length; of a link, <see cref="FileInfo.Length"/> is the link's own.</summary>
    private static long LengthOf(string path)
    {
        using FileStream file = Open(path);
        return file.Length;
    }

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointFiles.Unreadable(path, e);
        }
    }

    private static void Append(IncrementalHash hash, string name, string path, bool sampled)
    {
        using FileStream file = Open(path);
        hash.AppendData(Encoding.UTF8.GetBytes(name));
        Span<byte> length = stackalloc byte[9];
        length[0] = 0; // ends the name, so that names and lengths are unambiguous
        BinaryPrimitives.WriteInt64LittleEndian(length[1..], file.Length);
        hash.AppendData(length);
        byte[] block = new byte[BlockBytes];
        if (!sampled || file.Length <= (long)SampledBlocks * BlockBytes)
        {
            for (int read; (read = file.Read(block)) > 0; )
                hash.AppendData(block.AsSpan(0, read));
            return;
        }
        for (int i = 0; i < SampledBlocks; i++) // the first is the file's beginning, the last its end
        {
            file.Position = (long)((Int128)(file.Length - BlockBytes) * i / (SampledBlocks - 1));
            file.ReadExactly(block);
            hash.AppendData(block);
        }
    }
}
