using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// Tells one checkpoint from another by its contents, wherever it lies: SHA-256 over the files that give ids their meaning
/// and over the weights. Of large weights only headers, lengths and blocks spread over each file are read, so that a host
/// with 100 GB of them starts at once; two checkpoints that share all those blocks are taken for one.
/// </summary>
internal static class CheckpointFingerprint
{
    private const long WholeBelow = 64L << 20; // bytes of weights in all
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
            if (File.Exists(path))
                Append(hash, name, path, sampled: false);
        }
        FileInfo[] weights = [.. weightFiles.Select(f => new FileInfo(f))];
        bool sampled = weights.Sum(f => f.Length) >= WholeBelow;
        foreach (FileInfo file in weights)
            Append(hash, file.Name, file.FullName, sampled);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string name, string path, bool sampled)
    {
        using FileStream file = File.OpenRead(path);
        hash.AppendData(Encoding.UTF8.GetBytes(name));
        Span<byte> length = stackalloc byte[9];
        length[0] = 0; // ends the name, so that no other name and length give the same bytes
        BinaryPrimitives.WriteInt64LittleEndian(length[1..], file.Length);
        hash.AppendData(length);
        byte[] block = new byte[BlockBytes];
        if (!sampled || file.Length <= (long)SampledBlocks * BlockBytes)
        {
            for (int read; (read = file.Read(block)) > 0; )
                hash.AppendData(block.AsSpan(0, read));
            return;
        }
        for (int i = 0; i < SampledBlocks; i++) // the first is the header's beginning, the last the file's end
        {
            file.Position = (long)((Int128)(file.Length - BlockBytes) * i / (SampledBlocks - 1));
            file.ReadExactly(block);
            hash.AppendData(block);
        }
    }
}
