using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// A safetensors file, from which tensors or their rows are read. It is not memory-mapped, because mapped pages would count as the
/// process's memory, and truncating the file would crash the process.
/// </summary>
internal sealed class SafetensorsFile : IDisposable
{
    private const long SpanBytes = 1 << 30; // a span must be below 2 GiB

    private readonly FileStream _stream;
    private readonly long _dataStart;

    private SafetensorsFile(string path, IReadOnlyList<SafetensorsEntry> entries, long dataStart, FileStream stream)
    {
        Path = path;
        Entries = entries;
        _dataStart = dataStart;
        _stream = stream;
    }

    /// <summary>The file's full name.</summary>
    public string Path { get; }

    /// <summary>Its tensors, in file order.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InputException">It cannot be read or is damaged.</exception>
    public static SafetensorsFile Open(string path)
    {
        FileStream? stream = null;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 4096, FileOptions.SequentialScan);
            (IReadOnlyList<SafetensorsEntry> entries, long dataStart) = SafetensorsHeader.Read(path, stream);
            return new SafetensorsFile(path, entries, dataStart, stream);
        }
        catch (Exception e)
        {
            stream?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw CheckpointFiles.Unreadable(path, e);
            throw;
        }
    }

    /// <summary>Reads a tensor in its stored type.</summary>
    /// <exception cref="InputException">The file cannot be read or was truncated.</exception>
    public torch.Tensor Read(SafetensorsEntry entry, torch.ScalarType type)
    {
        torch.Tensor tensor = torch.empty(entry.Shape, dtype: type);
        try
        {
            using torch.Tensor flat = tensor.view(-1);
            long elements = (entry.End - entry.Begin) / entry.Width,
                step = SpanBytes / entry.Width;
            for (long i = 0; i < elements; i += step)
            {
                using torch.Tensor part = flat.narrow(0, i, Math.Min(step, elements - i));
                Read(entry, i * entry.Width, part.bytes);
            }
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor's bytes from <paramref name="offset"/> on. Thread-safe.</summary>
    /// <exception cref="InputException">The file cannot be read or was truncated.</exception>
    public void Read(SafetensorsEntry entry, long offset, Span<byte> bytes)
    {
        for (long at = _dataStart + entry.Begin + offset; !bytes.IsEmpty; )
        {
            int read;
            try
            {
                read = RandomAccess.Read(_stream.SafeFileHandle, bytes, at);
            }
            catch (IOException e)
            {
                throw CheckpointFiles.Unreadable(Path, e);
            }
            if (read == 0)
                throw new InputException(
                    $"'{Path}' ends within the tensor '{entry.Name}': it was changed while it was read; copy it again."
                );
            bytes = bytes[read..];
            at += read;
        }
    }

    public void Dispose() => _stream.Dispose();
}
